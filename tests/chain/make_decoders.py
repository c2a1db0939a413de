"""Writes tests/data/decoders: small random models of three families, and what transformers makes of prompts in float32.

Run by hand: python3 -m venv /tmp/decoders && /tmp/decoders/bin/pip install torch==2.15.0 transformers==5.24.0, then
/tmp/decoders/bin/python tests/chain/make_decoders.py. Weights are f16, so that both sides read the same numbers.
"""
import json
import pathlib
import shutil

import torch
import transformers

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "data/decoders"
SHAPE = {"hidden_size": 64, "intermediate_size": 100, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
         "vocab_size": 128, "max_position_embeddings": 256}
LLAMA3 = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 32}
# Name, class, and what sets the model apart: odd widths of heads, untied embeddings, scaled rotations.
MODELS = [("llama", transformers.LlamaConfig, {"tie_word_embeddings": True, "rms_norm_eps": 1e-5}),
          ("llama3", transformers.LlamaConfig, {"tie_word_embeddings": False, "rms_norm_eps": 1e-5, "rope_parameters": LLAMA3}),
          ("qwen2", transformers.Qwen2Config, {"tie_word_embeddings": True, "num_key_value_heads": 1}),
          ("qwen3", transformers.Qwen3Config, {"tie_word_embeddings": False, "head_dim": 24, "num_key_value_heads": 4})]
LENGTHS = (1, 5, 12, 33)  # of prompts, five of each
STEPS = 64


def spread(model):
    """Random weights that make logits spread: norms and biases differ from their defaults too."""
    generator = torch.Generator().manual_seed(15)
    for name, weight in model.named_parameters():
        noise = torch.randn(weight.shape, generator=generator)
        if name.endswith("norm.weight"):
            weight.data = 1 + 0.2 * noise
        elif name.endswith("bias"):
            weight.data = 0.3 * noise
        elif "embed_tokens" in name or "lm_head" in name:
            weight.data = 0.12 * noise  # logits of about unit variance
        else:
            weight.data = noise / weight.shape[1]**0.5
        weight.data = weight.data.half().float()


def follow(model, prompt):
    """Logits behind the prompt, then greedy tokens with their margins over the second."""
    ids, greedy, margins, first = list(prompt), [], [], None
    for _ in range(STEPS):
        logits = model(torch.tensor([ids])).logits[0, -1]
        first = logits if first is None else first
        top = torch.topk(logits, 2).values
        greedy.append(int(logits.argmax()))
        margins.append(round(float(top[0] - top[1]), 5))
        ids.append(greedy[-1])
    return [round(float(value), 5) for value in first], greedy, margins


def main():
    for name, config, own in MODELS:
        model = transformers.AutoModelForCausalLM.from_config(config(**{**SHAPE, **own})).float().eval()
        spread(model)
        model.tie_weights()
        generator = torch.Generator().manual_seed(16)
        prompts = [torch.randint(0, SHAPE["vocab_size"], (length,), generator=generator).tolist() for length in LENGTHS for _ in range(5)]
        with torch.no_grad():
            rows = [follow(model, prompt) for prompt in prompts]
        folder = FOLDER / name
        shutil.rmtree(folder, ignore_errors=True)
        model.half().save_pretrained(folder)
        (folder / "generation_config.json").unlink(missing_ok=True)
        lines = [json.dumps({"prompt": prompt, "logits": logits, "greedy": greedy, "margins": margins})
                 for prompt, (logits, greedy, margins) in zip(prompts, rows)]
        (folder / "expected.jsonl").write_text("\n".join(lines) + "\n")
        print(name, sum(margin > 1e-2 for _, _, margins in rows for margin in margins), "of", 20 * STEPS, "margins above 1e-2")


if __name__ == "__main__":
    main()
