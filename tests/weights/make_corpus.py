"""Writes the seeds of the fuzz targets of weights: tests/fuzz/corpus/{gguf,safetensors}. Python's standard library alone."""
import json
import pathlib
import struct

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "fuzz/corpus"


def text(value):
    return struct.pack("<Q", len(value.encode())) + value.encode()


def pair(key, kind, packed):
    return text(key) + struct.pack("<I", kind) + packed


def count(key, value):
    return pair(key, 4, struct.pack("<I", value))


def gguf(pairs, tensors, version=3):
    """`tensors`: name, dimensions with that of adjacent elements first, type, bytes of a block, elements of a block."""
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(pairs)) + b"".join(pairs)
    end, data = 0, b""
    for name, dimensions, kind, size, block in tensors:
        head += text(name) + struct.pack(f"<I{len(dimensions)}QIQ", len(dimensions), *dimensions, kind, end)
        elements = 1
        for dimension in dimensions:
            elements *= dimension
        data += bytes(i % 37 for i in range(elements // block * size))
        data += bytes(-len(data) % 32)
        end = len(data)
    return head + bytes(-len(head) % 32) + data


def llama(name="llama", extra_pairs=(), extra_tensors=()):
    pairs = [pair("general.architecture", 8, text(name)), count(f"{name}.block_count", 1), count(f"{name}.context_length", 16),
             count(f"{name}.embedding_length", 8), count(f"{name}.feed_forward_length", 6), count(f"{name}.attention.head_count", 2),
             pair(f"{name}.attention.layer_norm_rms_epsilon", 6, struct.pack("<f", 1e-5)), *extra_pairs]
    shapes = {"token_embd.weight": (8, 4), "output_norm.weight": (8,), "blk.0.attn_norm.weight": (8,), "blk.0.attn_q.weight": (8, 8),
              "blk.0.attn_k.weight": (8, 8), "blk.0.attn_v.weight": (8, 8), "blk.0.attn_output.weight": (8, 8), "blk.0.ffn_norm.weight": (8,),
              "blk.0.ffn_gate.weight": (8, 6), "blk.0.ffn_up.weight": (8, 6), "blk.0.ffn_down.weight": (6, 8)}
    return gguf(pairs, [(one, shape, 1, 2, 1) for one, shape in shapes.items()] + list(extra_tensors))


BLOCKS = [("f32", (4, 2), 0, 4, 1), ("q4_0", (32, 2), 2, 18, 32), ("q4_1", (32, 2), 3, 20, 32), ("q8_0", (32, 2), 8, 34, 32),
          ("q4_k", (256,), 12, 144, 256), ("q6_k", (256,), 14, 210, 256), ("bf16", (3, 1, 2, 1), 30, 2, 1), ("q2_k", (256,), 10, 84, 256)]
VALUES = [pair("a.u8", 0, b"\1"), pair("a.i8", 1, b"\xff"), pair("a.u16", 2, b"\1\2"), pair("a.i16", 3, b"\1\2"), pair("a.i32", 5, b"\1\2\3\4"),
          pair("a.flag", 7, b"\1"), pair("a.u64", 10, b"\1" * 8), pair("a.i64", 11, b"\1" * 8), pair("a.f64", 12, b"\1" * 8),
          pair("a.texts", 9, struct.pack("<IQ", 8, 2) + text("x") + text("")), pair("a.numbers", 9, struct.pack("<IQ3h", 3, 3, 1, -2, 3)),
          pair("a.floats", 9, struct.pack("<IQ2f", 6, 2, 0.5, 2)), count("general.alignment", 64)]
GGUF = {
    "llama": llama(),
    "qwen2": llama("qwen2", extra_tensors=[(f"blk.0.attn_{one}.bias", (8,), 0, 4, 1) for one in "qkv"]),
    "qwen3_untied": llama("qwen3", [count("qwen3.vocab_size", 4)], [("output.weight", (8, 4), 0, 4, 1)] +
                          [(f"blk.0.attn_{one}_norm.weight", (4,), 0, 4, 1) for one in "qk"]),
    "blocks": gguf([], BLOCKS),
    "values": gguf(VALUES, []),
    "cut": llama()[:-40],
    "version_2": gguf([], BLOCKS[:1], version=2),
    "huge_counts": b"GGUF" + struct.pack("<IQQ", 3, 2**64 - 1, 2**64 - 1) + bytes(64),
    "empty": gguf([], []),
}

CONFIG = {"architectures": ["Qwen3ForCausalLM"], "hidden_act": "silu", "hidden_size": 4, "intermediate_size": 3, "num_hidden_layers": 1,
          "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 2, "vocab_size": 5, "max_position_embeddings": 64, "rms_norm_eps": 1e-6,
          "rope_parameters": {"rope_theta": 5e5, "rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4,
                              "original_max_position_embeddings": 8192}, "tie_word_embeddings": True}
LAYER = "model.layers.0."
SHAPES = {"model.embed_tokens.weight": [5, 4], "model.norm.weight": [4], LAYER + "input_layernorm.weight": [4],
          LAYER + "post_attention_layernorm.weight": [4], LAYER + "self_attn.q_proj.weight": [4, 4], LAYER + "self_attn.k_proj.weight": [2, 4],
          LAYER + "self_attn.v_proj.weight": [2, 4], LAYER + "self_attn.o_proj.weight": [4, 4], LAYER + "self_attn.q_norm.weight": [2],
          LAYER + "self_attn.k_norm.weight": [2], LAYER + "mlp.gate_proj.weight": [3, 4], LAYER + "mlp.up_proj.weight": [3, 4],
          LAYER + "mlp.down_proj.weight": [4, 3]}


def safetensors(shapes, dtype="BF16", size=2, config=None):
    head, end = {}, 0
    for name, shape in shapes.items():
        elements = 1
        for dimension in shape:
            elements *= dimension
        head[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + elements * size]}
        end += elements * size
    whole = json.dumps(head).encode() + b"\n" + bytes(i % 37 for i in range(end))
    return whole + (b"\nCONFIG\n" + json.dumps(config).encode() if config else b"")


RAW_HEAD = b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
SAFETENSORS = {
    "qwen3": safetensors(SHAPES, config=CONFIG),
    "f32": safetensors({"a": [2, 3], "b": []}, "F32", 4),
    "empty_tensor": safetensors({"a": [0, 3], "b": [1]}, "F16"),
    "whole_file": struct.pack("<Q", len(RAW_HEAD)) + RAW_HEAD + bytes(8),
    "cut_file": struct.pack("<Q", len(RAW_HEAD)) + RAW_HEAD[:20],
    "long_head": struct.pack("<Q", 2**63) + RAW_HEAD,
    "metadata": b'{"__metadata__":{"format":"pt"}}\n',
    "index": b'{"metadata":{"total_size":8},"weight_map":{"a":"model-00001-of-00001.safetensors"}}',
    "escaping_index": b'{"weight_map":{"a":"../model.safetensors"}}',
}

if __name__ == "__main__":
    for folder, seeds in (("gguf", GGUF), ("safetensors", SAFETENSORS)):
        (FOLDER / folder).mkdir(parents=True, exist_ok=True)
        for name, content in seeds.items():
            (FOLDER / folder / name).write_bytes(content)
