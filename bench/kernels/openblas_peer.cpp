// OpenBLAS with as many threads as it chooses (one per core). Not built: the status alone.
#include "peers.hpp"

#ifdef QTRAP_WITH_OPENBLAS
#include <cblas.h>
#include <fmt/format.h>
#endif

namespace qtrap::bench {

#ifdef QTRAP_WITH_OPENBLAS
namespace {

class OpenBlas final : public Peer {
 public:
  std::string routine(std::uint64_t tokens) const override { return tokens == 1 ? "OpenBLAS sgemv" : "OpenBLAS sgemm"; }

  void bind(scheme::ProjectionShape shape, const std::vector<std::span<float>>& weights, std::uint64_t tokens,
            std::span<float> x, std::span<float> y) override {
    rows_ = static_cast<blasint>(shape.rows);
    columns_ = static_cast<blasint>(shape.columns);
    tokens_ = static_cast<blasint>(tokens);
    weights_ = weights;
    x_ = x;
    y_ = y;
  }

  void multiply(std::size_t matrix) override {
    const float* w = weights_[matrix].data();
    if (tokens_ == 1) {
      cblas_sgemv(CblasRowMajor, CblasNoTrans, rows_, columns_, 1.0F, w, columns_, x_.data(), 1, 0.0F, y_.data(), 1);
    } else {
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, tokens_, rows_, columns_, 1.0F, x_.data(), columns_, w,
                  columns_, 0.0F, y_.data(), rows_);
    }
  }
  void finish() override {}
  void fetch() override {}

 private:
  blasint rows_ = 0, columns_ = 0, tokens_ = 0;
  std::vector<std::span<float>> weights_;
  std::span<float> x_, y_;
};

}  // namespace

PeerState make_openblas() {
  return {"OpenBLAS",
          fmt::format("{}, {} threads, {}", openblas_get_config(), openblas_get_num_threads(), openblas_get_corename()),
          std::make_unique<OpenBlas>()};
}
#else
PeerState make_openblas() { return {"OpenBLAS", "not built", nullptr}; }
#endif

}  // namespace qtrap::bench
