// A shape between two others of a family, where no published model lies. It says what it is in name and source.
#pragma once

#include <optional>

#include "profile/profile.hpp"

namespace qtrap::model {

/// Widths and layers in the geometric middle of both, heads those of `lower`'s size that the width gives; vocabulary,
/// tying, head size and key-value heads are `lower`'s. None where its parameters do not lie strictly between theirs, or
/// its name, made of both, is too long for a file.
std::optional<profile::ModelProfile> scale_between(const profile::ModelProfile& lower,
                                                   const profile::ModelProfile& upper);

}  // namespace qtrap::model
