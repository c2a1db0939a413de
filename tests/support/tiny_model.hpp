// A shape that any device runs in milliseconds; its odd widths are the caller's.
#pragma once

#include "profile/profile.hpp"

namespace qtrap::test {

struct TinyShape {
  std::int64_t hidden = 96, ffn = 160, layers = 2, head_dim = 24;
};

/// Four query heads on two of keys and values, a vocabulary of 1,000.
inline profile::ModelProfile tiny_model(const TinyShape& shape) {
  profile::ModelProfile model;
  model.name = "tiny";
  model.hidden = shape.hidden;
  model.ffn = shape.ffn;
  model.layers = shape.layers;
  model.heads = 4;
  model.kv_heads = 2;
  model.head_dim = shape.head_dim;
  model.vocab = 1000;
  return model;
}

}  // namespace qtrap::test
