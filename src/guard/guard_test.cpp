#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "guard/identity.h"
#include "guard/json_writer.h"
#include "guard/number_tokens.h"
#include "guard/sessions.h"
#include "store/sqlite/sqlite_store.h"

namespace pandun::guard {
namespace {

platform::SealKey key_of(unsigned char seed) {
  std::array<unsigned char, 32> bytes{};
  bytes.fill(seed);
  return platform::SealKey(bytes);
}

struct Gate {
  Gate() {
    std::string pattern = (std::filesystem::temp_directory_path() / "pandun-guard-XXXXXX").string();
    directory = ::mkdtemp(pattern.data());
    auto opened = store::open_sqlite(directory + "/pandun.db", clock);
    EXPECT_TRUE(opened.ok());
    store = std::move(*opened);
    audit = std::make_unique<Audit>(*store, clock, key_of(1));
    identity = std::make_unique<Identity>(*store, *audit, clock, PasswordCost::least());
    sessions = std::make_unique<SessionDesk>(*store, *identity, *audit, clock);
    const auto first = identity->ensure_first_admin();
    EXPECT_TRUE(first.ok() && first->has_value());
    admin_password = (*first)->password;
    admin = sessions->sign_in("admin", admin_password, "127.0.0.1")->info.actor;
  }
  ~Gate() {
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
  }
  std::string make_user(const std::string& name, std::vector<std::string> roles) {
    const auto made = identity->create_user(admin, {name, "", std::move(roles), std::nullopt});
    EXPECT_TRUE(made.ok()) << made.error().text();
    return made->initial_password.value_or("");
  }
  platform::ManualClock clock{WallMs{1'795'395'600'000}};
  std::string directory, admin_password;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<Audit> audit;
  std::unique_ptr<Identity> identity;
  std::unique_ptr<SessionDesk> sessions;
  Actor admin;
};

TEST(NumberTokens, SameNumberSameYearSameTokenAndNothingElse) {
  const NumberTokens tokens(key_of(1)), other(key_of(2));
  const auto number = model::NumberKey::e164(8613800138000);
  const std::string token = tokens.number(number, 2026);
  EXPECT_EQ(token.size(), 4U + 32U);
  EXPECT_EQ(token, tokens.number(number, 2026));
  std::set<std::string> all{token, tokens.number(number, 2027), other.number(number, 2026),
                            tokens.number(model::NumberKey::e164(8613800138001), 2026),
                            tokens.device("+8613800138000", 2026)};
  EXPECT_EQ(all.size(), 5U);
  EXPECT_EQ(tokens.number(model::NumberKey(), 2026), "");
}

TEST(NumberTokens, MaskHidesAtLeastSixDigits) {
  EXPECT_EQ(mask_number(model::NumberKey::e164(8613800138000)), "+86138******00");
  EXPECT_EQ(mask_number(model::NumberKey::e164(861012345678)), "+86101******8");
  EXPECT_EQ(mask_number(model::NumberKey::e164(12025550123)), "+1202******3");
  EXPECT_EQ(mask_number(model::NumberKey::e164(85291234567)), "+85291******");
  EXPECT_EQ(mask_number(model::NumberKey::e164(37061234567)), "+37061******");
  EXPECT_EQ(mask_number(model::NumberKey::e164(354123)), "+354***");
  EXPECT_EQ(mask_number(model::NumberKey::service("10086")), "10086");
  EXPECT_EQ(mask_number(model::NumberKey::service("106900012345")), "10690001****");
  EXPECT_EQ(mask_number(model::NumberKey::opaque("9f86d081884c7d65")), "hashed");
  for (std::uint64_t digits = 1; digits < 1'000'000'000'000'000; digits = digits * 7 + 3) {
    const std::string mask = mask_number(model::NumberKey::e164(digits));
    const auto hidden = std::count(mask.begin(), mask.end(), '*');
    const std::string text = std::to_string(digits);
    EXPECT_TRUE(hidden >= 6 || text.size() <= 3 || mask.find_first_of('*') <= 4U) << text << " " << mask;
    EXPECT_EQ(mask.size(), text.size() + 1);
  }
  EXPECT_EQ(mask_device("860123456789012"), "86012345*******");
  EXPECT_EQ(mask_device("some-hash"), "device");
}

TEST(NumberTokens, YearTurnsAtBeijingMidnight) {
  EXPECT_EQ(year_of(EventMs{*parse_rfc3339("2026-12-31T15:59:59Z")}), 2026);
  EXPECT_EQ(year_of(EventMs{*parse_rfc3339("2026-12-31T16:00:00Z")}), 2027);
  EXPECT_EQ(year_of(EventMs{0}), 1970);
}

TEST(Rights, DecisionsArePeoplesAndAdministrationDecidesNothing) {
  Actor admin;
  admin.person = "root";
  admin.roles = {Role::kAdmin};
  for (const Right right :
       {Right::kTriage, Right::kMeasurePropose, Right::kMeasureApprove, Right::kVaultAsk, Right::kVaultDecide}) {
    EXPECT_FALSE(allows(admin, right));
  }
  Actor robot;
  robot.person = "li";
  robot.token = true;
  robot.roles = {Role::kAdmin, Role::kAnalyst, Role::kApprover, Role::kAuditor, Role::kViewer};
  for (const RightInfo& entry : rights()) EXPECT_EQ(allows(robot, entry.right), !entry.person_only) << entry.name;
  EXPECT_FALSE(allows(Actor::system("clock"), Right::kRead));
}

TEST(Identity, FirstAdminIsMadeOnceAndMustChangeThePassword) {
  Gate gate;
  EXPECT_FALSE(gate.identity->ensure_first_admin()->has_value());
  EXPECT_TRUE(gate.sessions->sign_in("admin", gate.admin_password, "a")->info.user.must_change_password);
  EXPECT_GE(gate.admin_password.size(), 20U);
}

TEST(Identity, PasswordsAreChangedByTheirOwnersAndOtherSessionsEnd) {
  Gate gate;
  const std::string first = gate.make_user("li.wei", {"analyst"});
  const auto here = gate.sessions->sign_in("li.wei", first, "a"), there = gate.sessions->sign_in("li.wei", first, "b");
  ASSERT_TRUE(here.ok() && there.ok());
  const auto change = [&](const std::string& old_one, const std::string& new_one) {
    return gate.identity->change_own_password(here->info.actor, old_one, new_one, here->info.id_hash);
  };
  EXPECT_EQ(change("wrong", "a good new one").error().code, Errc::kUnauthenticated);
  EXPECT_EQ(change(first, "short").error().code, Errc::kUsage);
  EXPECT_EQ(change(first, "my li.wei pass").error().code, Errc::kUsage);
  EXPECT_EQ(change(first, first).error().code, Errc::kUsage);
  EXPECT_TRUE(change(first, "a good new one").ok());
  EXPECT_TRUE(gate.sessions->find(here->session_id, "a").ok());
  EXPECT_EQ(gate.sessions->find(there->session_id, "b").error().code, Errc::kUnauthenticated);
  EXPECT_EQ(gate.sessions->sign_in("li.wei", first, "a").error().code, Errc::kUnauthenticated);
  EXPECT_FALSE(gate.sessions->sign_in("li.wei", "a good new one", "a")->info.user.must_change_password);
}

TEST(Identity, UsersAreManagedByAdminsAndOneStays) {
  Gate gate;
  const std::string password = gate.make_user("li.wei", {"analyst"});
  const Actor li = gate.sessions->sign_in("li.wei", password, "a")->info.actor;
  EXPECT_EQ(gate.identity->users(li).error().code, Errc::kNotAllowed);
  EXPECT_EQ(gate.identity->create_user(li, {"x.y", "", {"admin"}, std::nullopt}).error().code, Errc::kNotAllowed);
  EXPECT_EQ(gate.identity->create_user(gate.admin, {"li.wei", "", {"viewer"}, std::nullopt}).error().code,
            Errc::kConflict);
  EXPECT_EQ(gate.identity->create_user(gate.admin, {"Li Wei", "", {"viewer"}, std::nullopt}).error().code,
            Errc::kUsage);
  EXPECT_EQ(gate.identity->create_user(gate.admin, {"zhang", "", {"king"}, std::nullopt}).error().code, Errc::kUsage);
  UserChange leave;
  leave.roles = {"viewer"};
  EXPECT_EQ(gate.identity->change_user(gate.admin, gate.admin.user_id, leave).error().code, Errc::kConflict);
  UserChange off;
  off.disabled = true;
  ASSERT_TRUE(gate.identity->change_user(gate.admin, li.user_id, off).ok());
  EXPECT_EQ(gate.sessions->sign_in("li.wei", password, "a").error().code, Errc::kUnauthenticated);
}

TEST(Identity, TokensAreHashedExpireAndLoseWhatTheirMakerLoses) {
  Gate gate;
  const auto made = gate.identity->create_token(gate.admin, "nightly", {"analyst", "viewer"}, 10);
  ASSERT_TRUE(made.ok()) << made.error().text();
  EXPECT_EQ(gate.identity->create_token(gate.admin, "x", {"approver"}, 10).error().code, Errc::kNotAllowed);
  const auto actor = gate.identity->token_actor(made->secret, "a");
  ASSERT_TRUE(actor.ok());
  EXPECT_EQ(actor->person, "admin");
  EXPECT_TRUE(actor->token);
  EXPECT_EQ(gate.identity->token_actor(made->secret + "0", "a").error().code, Errc::kUnauthenticated);
  EXPECT_EQ(gate.identity->token_actor("", "a").error().code, Errc::kUnauthenticated);
  UserChange lose;
  lose.roles = {"admin"};
  ASSERT_TRUE(gate.identity->change_user(gate.admin, gate.admin.user_id, lose).ok());
  EXPECT_FALSE(gate.identity->token_actor(made->secret, "a")->roles.has(Role::kAnalyst));
  gate.clock.advance(std::chrono::hours(24 * 10));
  EXPECT_EQ(gate.identity->token_actor(made->secret, "a").error().code, Errc::kUnauthenticated);
}

TEST(Sessions, EndByIdlenessAndByAge) {
  Gate gate;
  const auto in = gate.sessions->sign_in("admin", gate.admin_password, "a");
  for (int i = 0; i < 14; ++i) {
    gate.clock.advance(std::chrono::minutes(50));
    ASSERT_TRUE(gate.sessions->find(in->session_id, "a").ok()) << i;
  }
  gate.clock.advance(std::chrono::minutes(50));  // 12.5 hours since signing in
  EXPECT_EQ(gate.sessions->find(in->session_id, "a").error().code, Errc::kUnauthenticated);
  const auto idle = gate.sessions->sign_in("admin", gate.admin_password, "a");
  gate.clock.advance(std::chrono::minutes(60));
  EXPECT_EQ(gate.sessions->find(idle->session_id, "a").error().code, Errc::kUnauthenticated);
  EXPECT_GE(*gate.sessions->remove_expired(), 2);
  EXPECT_EQ(gate.sessions->find("", "a").error().code, Errc::kUnauthenticated);
}

TEST(Sessions, CsrfTokenBelongsToItsSession) {
  Gate gate;
  const auto a = gate.sessions->sign_in("admin", gate.admin_password, "a"),
             b = gate.sessions->sign_in("admin", gate.admin_password, "a");
  EXPECT_TRUE(gate.sessions->check_csrf(a->session_id, a->info.csrf_token).ok());
  EXPECT_EQ(gate.sessions->find(a->session_id, "a")->csrf_token, a->info.csrf_token);
  EXPECT_FALSE(gate.sessions->check_csrf(a->session_id, b->info.csrf_token).ok());
  EXPECT_FALSE(gate.sessions->check_csrf(a->session_id, "").ok());
  ASSERT_TRUE(gate.sessions->sign_out(a->session_id).ok());
  EXPECT_FALSE(gate.sessions->find(a->session_id, "a").ok());
  EXPECT_TRUE(gate.sessions->find(b->session_id, "a").ok());
}

TEST(Sessions, GuessingIsSlowedDownPerUserAndPerAddress) {
  Gate gate;
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(gate.sessions->sign_in("admin", "wrong", "a").error().code, Errc::kUnauthenticated);
  const auto blocked = gate.sessions->sign_in("admin", gate.admin_password, "b");
  EXPECT_EQ(blocked.error().code, Errc::kRateLimited);
  EXPECT_EQ(gate.sessions->retry_after("ADMIN", "b")->count(), 1);
  gate.clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(gate.sessions->sign_in("admin", "wrong", "a").error().code, Errc::kUnauthenticated);
  EXPECT_EQ(gate.sessions->retry_after("admin", "b")->count(), 2);
  gate.clock.advance(std::chrono::seconds(2));
  EXPECT_TRUE(gate.sessions->sign_in("admin", gate.admin_password, "b").ok());
  EXPECT_FALSE(gate.sessions->retry_after("admin", "b"));
}

TEST(Throttle, StaysBoundedAndForgetsAfterADay) {
  Throttle throttle(1, 100);
  WallMs now{1'000'000};
  for (int i = 0; i < 1000; ++i) {
    throttle.failed("address:" + std::to_string(i), now);
    now.ms += 1;
  }
  for (int i = 0; i < 40; ++i) throttle.failed("one", now);
  EXPECT_EQ(throttle.wait("one", now)->count(), 900);  // at most a quarter of an hour
  now.ms += 25LL * 3'600'000;
  throttle.failed("one", now);
  EXPECT_FALSE(throttle.wait("one", now));
}

TEST(Audit, EveryWriteOfIdentityIsRecordedAndNoSecretIs) {
  Gate gate;
  const std::string password = gate.make_user("li.wei", {"analyst"});
  const auto token = gate.identity->create_token(gate.admin, "t", {"viewer"}, 1);
  (void)gate.sessions->sign_in("li.wei", "wrong-password-x", "a");
  const auto page = gate.audit->list({}, {0, 100, false});
  ASSERT_TRUE(page.ok());
  std::set<std::string> actions;
  for (const auto& row : page->items) {
    actions.insert(row.action);
    for (const std::string& secret : {gate.admin_password, password, token->secret, std::string("wrong-password-x")}) {
      EXPECT_EQ(row.detail.find(secret), std::string::npos) << row.action;
    }
  }
  EXPECT_EQ(actions, (std::set<std::string>{"user.create", "session.open", "token.create", "session.refused"}));
  EXPECT_TRUE(gate.audit->verify()->ok);
}

TEST(Audit, ClockThatGoesBackDoesNotBreakTheOrderOfTime) {
  Gate gate;
  gate.clock.advance(std::chrono::hours(-5));
  gate.make_user("li.wei", {"analyst"});
  const auto page = gate.audit->list({}, {0, 100, false});
  for (std::size_t i = 1; i < page->items.size(); ++i) EXPECT_LE(page->items[i - 1].at, page->items[i].at);
}

TEST(JsonWriter, WritesValidTextWhateverTheBytes) {
  std::string out;
  JsonWriter(out)
      .begin_object()
      .field("k\"", "a\x01\xff\xc3\x28 \xe4\xb8\xad")
      .key("n")
      .number(0.1)
      .key("x")
      .number(-0.0)
      .end_object();
  EXPECT_EQ(out, "{\"k\\\"\":\"a\\u0001\xef\xbf\xbd\xef\xbf\xbd( \xe4\xb8\xad\",\"n\":0.1,\"x\":0}");
}

}  // namespace
}  // namespace pandun::guard
