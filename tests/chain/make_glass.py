"""Writes tests/data/decoders/glass_en and glass_pt: the pretrained models of glassllm, and what its numpy makes of prompts.

Run by hand: python3 -m venv /tmp/glass && /tmp/glass/bin/pip install glassllm==0.1.0 numpy==2.4.6 safetensors==0.8.0, then
OPENBLAS_NUM_THREADS=1 /tmp/glass/bin/python tests/chain/make_glass.py. The package holds f16; its forward pass runs on them in
float64 (of float32 NumPy 2 makes a mixture of both). It multiplies x W and turns neighbours of a head; config.json promises W x
and halves, so matrices are transposed and rows of q and k put in Hugging Face's order. Models and forward pass: Copyright (c)
2026 Oséias Dias de Farias, MIT (LICENSE.glassllm beside the models).
"""
import importlib.metadata
import json
import pathlib
import shutil

import glassllm
import numpy as np
from glassllm.autograd import no_grad
from glassllm.model import GlassLM
from glassllm.tokenizer import Tokenizer
from safetensors.numpy import save

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "data/decoders"
PACKAGE = pathlib.Path(glassllm.__file__).parent / "weights"
LENGTHS = (1, 5, 12, 33)  # of prompts, five of each
STEPS = 64
# Prompts follow one another in how a novel begins: Carroll's Alice, Machado de Assis's Dom Casmurro.
NOVELS = {
    "en": "Alice was beginning to get very tired of sitting by her sister on the bank, and of having nothing to do: once or twice she "
          "had peeped into the book her sister was reading, but it had no pictures or conversations in it, and what is the use of a "
          "book, thought Alice, without pictures or conversations? So she was considering in her own mind (as well as she could, for "
          "the hot day made her feel very sleepy and stupid), whether the pleasure of making a daisy-chain would be worth the trouble "
          "of getting up and picking the daisies, when suddenly a White Rabbit with pink eyes ran close by her. There was nothing so "
          "very remarkable in that; nor did Alice think it so very much out of the way to hear the Rabbit say to itself, Oh dear! "
          "I shall be late! When she thought it over afterwards, it occurred to her that she ought to have wondered at this.",
    "pt": "Uma noite destas, vindo da cidade para o Engenho Novo, encontrei no trem da Central um rapaz aqui do bairro, que eu conheço "
          "de vista e de chapéu. Cumprimentou-me, sentou-se ao pé de mim, falou da lua e dos ministros, e acabou recitando-me versos. "
          "A viagem era curta, e os versos pode ser que não fossem inteiramente maus. Sucedeu, porém, que, como eu estava cansado, "
          "fechei os olhos três ou quatro vezes; tanto bastou para que ele interrompesse a leitura e metesse os versos no bolso. "
          "Continue, disse eu acordando. Já acabei, murmurou ele. São muito bonitos. Vi-lhe fazer um gesto para tirá-los outra vez do "
          "bolso, mas não passou do gesto; estava amuado. No dia seguinte entrou a dizer de mim nomes feios, e acabou alcunhando-me Dom "
          "Casmurro.",
}
# Of a layer: Hugging Face's name, glassllm's, and what becomes of the values.
LAYER = [("input_layernorm", "norm1.gamma", "plain"), ("self_attn.q_proj", "attn.W_Q", "halves"),
         ("self_attn.k_proj", "attn.W_K", "halves"), ("self_attn.v_proj", "attn.W_V", "turned"),
         ("self_attn.o_proj", "attn.W_O", "turned"), ("post_attention_layernorm", "norm2.gamma", "plain"),
         ("mlp.gate_proj", "ffn.W1", "turned"), ("mlp.up_proj", "ffn.W3", "turned"), ("mlp.down_proj", "ffn.W2", "turned")]


def arrange(values, kind, head_dim):
    """As y = W x reads them; of a head's rows first the even ones, then the odd ones, as converters to Hugging Face have it."""
    if kind == "plain":
        return values
    rows = values.T
    if kind == "halves":
        rows = rows.reshape(-1, head_dim // 2, 2, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape)
    return np.ascontiguousarray(rows)


def describe(config, ffn):
    return {"architectures": ["LlamaForCausalLM"], "attention_bias": False, "dtype": "float16", "hidden_act": "silu",
            "hidden_size": config.d_model, "intermediate_size": ffn, "max_position_embeddings": config.max_len, "mlp_bias": False,
            "model_type": "llama", "num_attention_heads": config.n_heads, "num_hidden_layers": config.n_layers,
            "num_key_value_heads": config.n_kv_heads, "rms_norm_eps": config.eps,
            "rope_parameters": {"rope_theta": config.rope_base, "rope_type": "default"}, "tie_word_embeddings": True,
            "vocab_size": config.vocab_size}


def write_model(folder, values, config):
    tensors = {"model.embed_tokens.weight": values["E"], "model.norm.weight": values["norm_f.gamma"]}
    head_dim = config.d_model // config.n_heads
    for layer in range(config.n_layers):
        for name, own, kind in LAYER:
            tensors[f"model.layers.{layer}.{name}.weight"] = arrange(values[f"blocks.{layer}.{own}"], kind, head_dim)
    assert all(tensor.dtype == np.float16 for tensor in tensors.values())
    assert sum(tensor.size for tensor in tensors.values()) == sum(values[name].size for name in values if name != "__config__")
    (folder / "model.safetensors").write_bytes(save(tensors, {"format": "pt"}))
    ffn = values["blocks.0.ffn.W1"].shape[1]
    (folder / "config.json").write_text(json.dumps(describe(config, ffn), indent=2) + "\n")


def follow(model, prompt):
    """Logits behind the prompt, then greedy tokens, made token by token with a cache, with their margins over the second."""
    greedy = [step.token for step in model.generate(prompt, STEPS, greedy=True)]
    with no_grad():
        logits = model(prompt + greedy[:-1]).data[0, len(prompt) - 1:]  # the same without the cache
    assert logits.dtype == np.float64
    assert logits.argmax(axis=-1).tolist() == greedy
    second, best = np.sort(logits, axis=-1)[:, -2:].T
    return {"prompt": prompt, "logits": [round(float(value), 5) for value in logits[0]], "greedy": greedy,
            "margins": [round(float(margin), 5) for margin in best - second]}


def cut(ids):
    """Prompts of LENGTHS, five of each, one behind the other."""
    assert len(ids) >= 5 * sum(LENGTHS), len(ids)
    prompts = []
    for length in (length for length in LENGTHS for _ in range(5)):
        prompts.append(ids[:length])
        ids = ids[length:]
    return prompts


def main():
    assert importlib.metadata.version("glassllm") == "0.1.0"
    for language, novel in NOVELS.items():
        model = GlassLM.load(PACKAGE / f"{language}.npz", dtype=np.float64)
        folder = FOLDER / f"glass_{language}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        with np.load(PACKAGE / f"{language}.npz") as values:
            write_model(folder, values, model.cfg)
        prompts = cut(Tokenizer.load(PACKAGE / f"{language}.tokenizer.json").encode(novel))
        rows = [follow(model, prompt) for prompt in prompts]
        (folder / "expected.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        print(folder.name, sum(margin > 1e-2 for row in rows for margin in row["margins"]), "of", 20 * STEPS, "margins above 1e-2")


if __name__ == "__main__":
    main()
