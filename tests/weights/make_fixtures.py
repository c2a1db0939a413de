"""Writes tests/data/weights: small models in GGUF and safetensors, and what the package gguf makes of their tensors.

Run by hand: python3 -m venv /tmp/fixtures && /tmp/fixtures/bin/pip install gguf==0.19.0 safetensors==0.8.0 numpy, then
/tmp/fixtures/bin/python tests/weights/make_fixtures.py. The same packages give the same files.
"""
import hashlib
import importlib.metadata
import json
import pathlib

import gguf
import numpy as np
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType
from safetensors.numpy import save_file

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "data/weights"
HALVES = {"Q4_K": [0, 2], "Q6_K": [208]}  # where the f16 of a block begin; gguf has no quantizer for these two


def random_halves(rng, count):
    return (rng.choice([-1, 1], count) * np.exp2(rng.uniform(-18, -4, count))).astype("<f2").view(np.uint8).reshape(count, 2)


def make_tensor(rng, kind, shape):
    """Bytes of a tensor as GGUF has them, and its type."""
    raw = GGMLQuantizationType[kind]
    values = rng.normal(0, 0.02, shape).astype(np.float32)
    if kind in HALVES:
        block, size = GGML_QUANT_SIZES[raw]
        blocks = rng.integers(0, 256, (values.size // block, size)).astype(np.uint8)
        for at in HALVES[kind]:
            blocks[:, at:at + 2] = random_halves(rng, len(blocks))
        return blocks.reshape(*shape[:-1], shape[-1] // block * size), raw
    return gguf.quantize(values, raw), raw


def digest(data, raw):
    """SHA-256 of the tensor as f32, little-endian, zeros without a sign: gguf's d (q - 8) has d's."""
    values = gguf.dequantize(data, raw) + np.float32(0)
    return hashlib.sha256(np.ascontiguousarray(values, "<f4").tobytes()).hexdigest()


# Type and shape of each tensor: every type that is computed with is there.
LLAMA = {
    "token_embd.weight": ("Q8_0", (24, 256)),
    "output_norm.weight": ("F32", (256,)),
    "rope_freqs.weight": ("F32", (4,)),
    "blk.0.attn_norm.weight": ("F32", (256,)),
    "blk.0.attn_q.weight": ("Q4_K", (32, 256)),
    "blk.0.attn_k.weight": ("Q6_K", (8, 256)),
    "blk.0.attn_v.weight": ("BF16", (8, 256)),
    "blk.0.attn_output.weight": ("Q4_0", (256, 32)),
    "blk.0.ffn_norm.weight": ("F32", (256,)),
    "blk.0.ffn_gate.weight": ("Q4_1", (32, 256)),
    "blk.0.ffn_up.weight": ("F16", (32, 256)),
    "blk.0.ffn_down.weight": ("Q8_0", (256, 32)),
}


def write_llama():
    rng = np.random.default_rng(1)
    writer = gguf.GGUFWriter(FOLDER / "llama.gguf", "llama")
    writer.add_name("a llama for tests")
    writer.add_block_count(1)
    writer.add_context_length(512)
    writer.add_embedding_length(256)
    writer.add_feed_forward_length(32)
    writer.add_head_count(4)
    writer.add_head_count_kv(1)
    writer.add_key_length(8)
    writer.add_value_length(8)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(500000.0)
    writer.add_rope_dimension_count(8)
    writer.add_vocab_size(24)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(["a", "b", "Ġab", ""] + [f"t{i}" for i in range(20)])
    writer.add_token_types([1] * 24)
    writer.add_token_scores([0.5 * i for i in range(24)])
    writer.add_token_merges(["a b", "Ġ ab"])
    digests = {}
    for name, (kind, shape) in LLAMA.items():
        data, raw = make_tensor(rng, kind, shape)
        writer.add_tensor(name, data, raw_dtype=raw)
        digests[name] = digest(data, raw)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    made_by = {"gguf": importlib.metadata.version("gguf")}
    (FOLDER / "llama.json").write_text(json.dumps({"made_by": made_by, "f32_sha256": digests}, indent=1) + "\n")


def decoder_shapes(config, bias, norm):
    """Names and shapes of the tensors of a model of transformers."""
    hidden, width = config["hidden_size"], config["head_dim"]
    queries, keys = config["num_attention_heads"] * width, config["num_key_value_heads"] * width
    yield "model.embed_tokens.weight", (config["vocab_size"], hidden)
    yield "model.norm.weight", (hidden,)
    if not config["tie_word_embeddings"]:
        yield "lm_head.weight", (config["vocab_size"], hidden)
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        yield at + "input_layernorm.weight", (hidden,)
        yield at + "post_attention_layernorm.weight", (hidden,)
        for name, rows in (("q", queries), ("k", keys), ("v", keys)):
            yield at + f"self_attn.{name}_proj.weight", (rows, hidden)
            if bias:
                yield at + f"self_attn.{name}_proj.bias", (rows,)
            if norm and name != "v":
                yield at + f"self_attn.{name}_norm.weight", (width,)
        yield at + "self_attn.o_proj.weight", (hidden, queries)
        yield at + "mlp.gate_proj.weight", (config["intermediate_size"], hidden)
        yield at + "mlp.up_proj.weight", (config["intermediate_size"], hidden)
        yield at + "mlp.down_proj.weight", (hidden, config["intermediate_size"])


CONFIG = {"hidden_act": "silu", "hidden_size": 16, "intermediate_size": 20, "num_hidden_layers": 2, "num_attention_heads": 4,
          "num_key_value_heads": 2, "head_dim": 4, "vocab_size": 12, "max_position_embeddings": 64, "rms_norm_eps": 1e-6,
          "rope_theta": 1000000.0, "tie_word_embeddings": False}


def write_qwen3():
    """One file of f16."""
    rng = np.random.default_rng(2)
    config = {**CONFIG, "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "head_dim": 6, "tie_word_embeddings": True}
    (FOLDER / "qwen3").mkdir(exist_ok=True)
    tensors = {name: rng.normal(0, 0.02, shape).astype(np.float16) for name, shape in decoder_shapes(config, False, True)}
    save_file(tensors, FOLDER / "qwen3/model.safetensors", metadata={"format": "pt"})
    (FOLDER / "qwen3/config.json").write_text(json.dumps(config, indent=1) + "\n")


def write_qwen2():
    """Two shards of f32 with their index."""
    rng = np.random.default_rng(3)
    config = {**CONFIG, "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "use_sliding_window": False, "sliding_window": 64}
    del config["head_dim"]
    folder = FOLDER / "qwen2"
    folder.mkdir(exist_ok=True)
    tensors = {name: rng.normal(0, 0.02, shape).astype(np.float32) for name, shape in decoder_shapes({**config, "head_dim": 4}, True, False)}
    shards = {f"model-0000{shard + 1}-of-00002.safetensors": {name: value for i, (name, value) in enumerate(sorted(tensors.items())) if i % 2 == shard}
              for shard in range(2)}
    weight_map = {}
    for shard, part in shards.items():
        save_file(part, folder / shard)
        weight_map |= {name: shard for name in part}
    index = {"metadata": {"total_size": sum(value.nbytes for value in tensors.values())}, "weight_map": dict(sorted(weight_map.items()))}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1) + "\n")
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_llama()
    write_qwen3()
    write_qwen2()
