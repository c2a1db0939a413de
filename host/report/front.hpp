// The front of cost against loss: which schemes of a cell no other one beats in both.
#pragma once

#include <string>

#include "result/result_file.hpp"

namespace qtrap::report {

/// A table of the points that have a cost and a loss, several lines, ending in "\n"; empty where there are none. Cost
/// is energy to f16 where every such point of the cell has one, else time; loss is the KL divergence from f16. Both
/// come with their 95 % intervals, by which a scheme is beaten for sure, or perhaps where only the values say so.
std::string describe_front(const result::ResultFile& file);

}  // namespace qtrap::report
