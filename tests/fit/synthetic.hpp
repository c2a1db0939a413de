// A campaign with known truth: decoder-like shapes, seven schemes, probe windows, and times made from given
// costs with noise between sessions, between placements and within sessions. Counts follow the shape of the
// real ones (bytes per weight, passes per projection), not their exact values. Seeded; equal seeds give equal
// rows.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "core/philox.hpp"
#include "fit/row.hpp"

namespace qtrap::fit::synthetic {

/// Costs of one quantity per count [s or J].
struct Costs {
  double byte = 1e-12;
  double mac_f16 = 4e-14;
  double mac_int8 = 1.5e-14;
  double weight = 6e-13;
  double element = 5e-12;
  double launch = 5e-6;
  double sync = 3e-5;
};

struct Shape {
  std::string name;
  double hidden = 0, ffn = 0, layers = 0;
};

/// Sizes of real families: depth and width do not grow evenly.
inline std::vector<Shape> uneven_shapes() {
  return {{"s0.5", 896, 4864, 24}, {"s0.6", 1024, 3072, 28}, {"s1.7", 2048, 6144, 28}, {"s3", 2048, 11008, 36},
          {"s4", 2560, 9728, 36},  {"s8", 4096, 12288, 36},  {"s14", 5120, 17408, 40}, {"s32", 5120, 25600, 64}};
}

/// A family without jumps: about 2.75e8 x `scale` parameters. Widths and depths need not be whole numbers.
inline Shape smooth_shape(double scale) {
  const double hidden = 896 * std::pow(scale, 0.375);
  return {"x" + std::to_string(scale), hidden, 3 * hidden, 24 * std::pow(scale, 0.25)};
}

inline std::vector<Shape> smooth_shapes() {
  std::vector<Shape> all;
  for (int scale = 1; scale <= 64; scale *= 2) all.push_back(smooth_shape(scale));
  return all;
}

struct Options {
  std::uint64_t seed = 1;
  int sessions = 3;
  int blocks = 5;
  double between = 0.10;   ///< standard deviation of a session's common factor
  double placement = 0.0;  ///< of a factor per session and configuration
  double within = 0.01;    ///< of each window
  double misfit = 0.0;     ///< of a factor per configuration that all sessions share: what no term explains
  bool probes = true;
  bool energy = false;     ///< windows carry energy: static_w x time + the energy costs
  bool roofline = false;   ///< time takes the larger of bytes and operations, not their sum
  bool collinear = false;  ///< cast elements are everywhere three times the dequantized weights
  Costs time;
  Costs joules{6e-11, 8e-13, 3e-13, 2e-11, 1e-10, 4e-4, 1e-3};
  double static_w = 60;
  std::vector<Shape> shapes = uneven_shapes();
  std::vector<double> batches{1, 8};
  std::vector<std::string> schemes{"f16", "w8a16-split", "w8a16-fused", "w8a8", "w4a16-split", "w4a16-fused", "w4a8"};
};

/// Per scheme: weight bytes read, f16 scratch bytes, extra passes per layer, whether operations are int8.
struct SchemeShape {
  double code_bytes, scratch_bytes, extra_launches;
  bool int8, dequantizes, quantizes;
};

inline SchemeShape scheme_shape(const std::string& scheme) {
  static const std::map<std::string, SchemeShape> all{
      {"f16", {2, 0, 0, false, false, false}},           {"w8a16-split", {1, 4, 7, false, true, false}},
      {"w8a16-fused", {1, 0, 0, false, false, false}},   {"w8a8", {1, 0, 11, true, false, true}},
      {"w4a16-split", {0.53, 4, 7, false, true, false}}, {"w4a16-fused", {0.53, 0, 0, false, false, false}},
      {"w4a8", {0.53, 0, 4, true, false, true}}};
  return all.at(scheme);
}

inline double layer_weights(const Shape& shape) {
  return 4 * shape.hidden * shape.hidden + 3 * shape.hidden * shape.ffn;
}

/// One chain of `hops` hops of `steps` steps.
inline Workload make_workload(const Shape& shape, const std::string& scheme, double batch, double hops = 4,
                              double steps = 4) {
  const SchemeShape kind = scheme_shape(scheme);
  const double weights = layer_weights(shape) * shape.layers;
  const double activations = batch * shape.layers * (9 * shape.hidden + 4 * shape.ffn);
  const double all = hops * steps;
  Workload work;
  work.cell = shape.name + "/b" + std::to_string(static_cast<int>(batch));
  work.point_id = work.cell + "/" + scheme;
  work.scheme = scheme;
  work.model = shape.name;
  work.device = "synthetic";
  work.batch = batch;
  work.layers = shape.layers;
  work.params = weights * 1.1;
  work.params_step = weights;
  work.steps = all;
  work.hops = hops;
  work.tokens = steps;
  work.counts.bytes = all * (weights * (kind.code_bytes + kind.scratch_bytes) + 4 * activations);
  work.counts.macs = {{kind.int8 ? "int8" : "f16", all * batch * weights}};
  work.counts.dequantized_weights = kind.dequantizes ? all * weights : 0;
  work.counts.cast_elements = kind.quantizes ? all * activations : 0;
  work.counts.launches = all * shape.layers * (12 + kind.extra_launches);
  work.counts.syncs = hops;
  return work;
}

inline Workload make_probe(const std::string& name, Counts counts) {
  Workload work;
  work.point_id = "probe/" + name;
  work.cell = work.point_id;
  work.device = "synthetic";
  work.counts = std::move(counts);
  return work;
}

/// Every term on its own, in three sizes.
inline std::vector<Workload> make_probes() {
  std::vector<Workload> probes;
  for (const double size : {1.0, 4.0, 16.0}) {
    const std::string tail = "/" + std::to_string(static_cast<int>(size));
    const double launches = 4;
    probes.push_back(make_probe("copy" + tail, {size * 1e9, {}, 0, 0, launches, 1}));
    probes.push_back(make_probe("macs_f16" + tail, {1e3, {{"f16", size * 1e11}}, 0, 0, launches, 1}));
    probes.push_back(make_probe("macs_int8" + tail, {1e3, {{"int8", size * 3e11}}, 0, 0, launches, 1}));
    probes.push_back(make_probe("dequantize" + tail, {size * 3e8, {}, size * 1e8, 0, launches, 1}));
    probes.push_back(make_probe("cast" + tail, {size * 6e7, {}, 0, size * 1e7, launches, 1}));
    probes.push_back(make_probe("launches" + tail, {0, {}, 0, 0, size * 1000, 1}));
    probes.push_back(make_probe("syncs" + tail, {0, {}, 0, 0, size * 10, size * 10}));
  }
  return probes;
}

inline double compute_cost(const Counts& counts, const Costs& costs, bool roofline) {
  double macs = 0;
  for (const MacCount& one : counts.macs) macs += one.count * (one.precision == "f16" ? costs.mac_f16 : costs.mac_int8);
  const double bytes = counts.bytes * costs.byte;
  return (roofline ? std::max(bytes, macs) : bytes + macs) + counts.dequantized_weights * costs.weight +
         counts.cast_elements * costs.element + counts.launches * costs.launch + counts.syncs * costs.sync;
}

inline double draw_normal(PhiloxStream& random) {
  const double radius = std::sqrt(-2 * std::log(random.uniform()));
  return radius * std::cos(6.283185307179586 * random.uniform());
}

inline std::vector<Workload> make_workloads(const Options& options) {
  std::vector<Workload> works;
  for (const Shape& shape : options.shapes) {
    for (const double batch : options.batches) {
      for (const std::string& scheme : options.schemes) works.push_back(make_workload(shape, scheme, batch));
    }
  }
  if (options.probes) {
    for (Workload& probe : make_probes()) works.push_back(std::move(probe));
  }
  if (options.collinear) {
    for (Workload& work : works) work.counts.cast_elements = 3 * work.counts.dequantized_weights;
  }
  return works;
}

inline std::vector<Row> make_rows(const Options& options, const std::vector<Workload>& works) {
  PhiloxStream random(options.seed, 77);
  std::vector<Row> rows;
  PhiloxStream shared(options.seed, 78);
  std::vector<double> misfits;
  for (std::size_t i = 0; i < works.size(); ++i) misfits.push_back(1 + options.misfit * draw_normal(shared));
  for (int session = 0; session < options.sessions; ++session) {
    const double common = 1 + options.between * draw_normal(random);
    for (std::size_t w = 0; w < works.size(); ++w) {
      const Workload& work = works[w];
      const double placed = common * misfits[w] * (1 + options.placement * draw_normal(random));
      for (int block = 0; block < options.blocks; ++block) {
        Row row;
        row.workload = work;
        row.session = session;
        row.block = block;
        row.time_s = compute_cost(work.counts, options.time, options.roofline) * placed *
                     (1 + options.within * draw_normal(random));
        if (options.energy) {
          row.energy_j = options.static_w * *row.time_s + compute_cost(work.counts, options.joules, false) * placed *
                                                              (1 + options.within * draw_normal(random));
        }
        rows.push_back(std::move(row));
      }
    }
  }
  return rows;
}

/// A published table: one row a model, and the costs that made it.
struct Table {
  std::vector<Row> rows;
  double per_layer = 4.4e-4;  ///< [s per layer and step]
  double per_param = 1e-11;   ///< [s per parameter and step]
};

/// `models` >= 2 of uneven_shapes(), the smallest and the largest among them; log errors of sd `spread`.
inline Table make_table(std::size_t models, double spread, std::uint64_t seed) {
  PhiloxStream random(seed, 80);
  const std::vector<Shape> shapes = uneven_shapes();
  Table table;
  for (std::size_t i = 0; i < models; ++i) {
    Row row;
    row.workload = make_workload(shapes[i * (shapes.size() - 1) / (models - 1)], "f16", 1);
    row.time_s = row.workload.steps *
                 (table.per_layer * row.workload.layers + table.per_param * row.workload.params_step) *
                 std::exp(spread * draw_normal(random));
    table.rows.push_back(std::move(row));
  }
  return table;
}

inline std::vector<Row> make_campaign(const Options& options) { return make_rows(options, make_workloads(options)); }

}  // namespace qtrap::fit::synthetic
