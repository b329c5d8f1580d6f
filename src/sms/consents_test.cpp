#include "sms/consents.h"

#include <gtest/gtest.h>

#include "platform/random.h"

namespace pandun::sms {
namespace {

class Digits final : public NumberReader {
 public:
  model::NumberKey read(std::string_view text) const override {
    if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos)
      return model::NumberKey::opaque(text);
    return model::NumberKey::e164(std::stoull(std::string(text)));
  }
};

struct Consents : ::testing::Test {
  ~Consents() override { (void)files.remove(path); }
  void write(const std::string& text) { ASSERT_TRUE(platform::replace_file(files, path, text).ok()); }
  bool may(std::uint64_t number) { return consent->may_warn(model::NumberKey::e164(number)); }

  platform::FileSystem& files = platform::posix_files();
  std::string path = ::testing::TempDir() + "consents-" + platform::random_hex(8);
  Digits digits;
  platform::ManualClock clock{WallMs{1'700'000'000'000}};
  std::unique_ptr<ListedConsent> consent;
};

TEST_F(Consents, WhoeverWithdrawsIsNotWarnedAnyMore) {
  write("# who agreed\n8613800000001\n8613800000002 # since May\n\n");
  consent = *ListedConsent::open(files, path, digits, clock);
  EXPECT_TRUE(may(8613800000001));
  EXPECT_TRUE(may(8613800000002));
  EXPECT_FALSE(may(8613800000003));
  write("8613800000002\n8613800000003\n");
  clock.advance(std::chrono::seconds(10));
  EXPECT_FALSE(may(8613800000001));
  EXPECT_TRUE(may(8613800000003));
  EXPECT_EQ(consent->people(), 2U);
}

TEST_F(Consents, AListThatCannotBeReadIsNobodysConsent) {
  write("8613800000001\n");
  consent = *ListedConsent::open(files, path, digits, clock);
  write("8613800000001\nnonsense\n");
  clock.advance(std::chrono::seconds(10));
  EXPECT_FALSE(may(8613800000001));
  EXPECT_EQ(consent->unreadable(), 1U);
  ASSERT_TRUE(files.remove(path).ok());
  clock.advance(std::chrono::seconds(10));
  EXPECT_FALSE(may(8613800000001));
  write("8613800000001\n");
  clock.advance(std::chrono::seconds(10));
  EXPECT_TRUE(may(8613800000001));
  EXPECT_EQ(consent->unreadable(), 2U);
}

TEST_F(Consents, AFaultAtTheStartNamesItsLine) {
  write("8613800000001\n\nnonsense\n");
  const auto opened = ListedConsent::open(files, path, digits, clock);
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().where.find(":3"), std::string::npos) << opened.error().text();
  EXPECT_TRUE(ListedConsent::open(files, "", digits, clock).ok()) << "nobody agreed";
}

}  // namespace
}  // namespace pandun::sms
