// Drivers that misbehave while a child loads them. tests/cli/drivers_test.py has those that end the process at once.
#include "device/driver_trial.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "support/temporary_folder.hpp"

namespace qtrap::device {
namespace {

using ::testing::HasSubstr;

class DriverTrial : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(folder_.path() / "bad.icd") << QTRAP_BAD_DRIVER << "\n";
    setenv("OCL_ICD_VENDORS", folder_.path().c_str(), 1);
    unsetenv("OPENCL_LAYERS");
  }
  test::TemporaryFolder folder_;
};

TEST_F(DriverTrial, OneThatNeverReturnsIsEndedAndNamed) {
  setenv("BAD_DRIVER", "hang", 1);
  const auto tried = try_drivers(SystemView::system(), Seconds(0.2));
  ASSERT_FALSE(tried.ok());
  EXPECT_THAT(tried.error().message(), HasSubstr("bad.icd names " QTRAP_BAD_DRIVER ": it did not return within 0.2 s"));
}

TEST_F(DriverTrial, OneThatOffersNothingPasses) {
  setenv("BAD_DRIVER", "nothing", 1);
  EXPECT_TRUE(try_drivers(SystemView::system(), Seconds(600)).ok());
}

}  // namespace
}  // namespace qtrap::device
