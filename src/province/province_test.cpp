#include "province/province.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "province/population.h"
#include "province/slice.h"

namespace pandun::province {
namespace {

class Kept : public LineSink {
 public:
  void lines(Feed feed, std::string_view text) override { text_[static_cast<std::size_t>(feed)] += text; }
  const std::string& of(Feed feed) const { return text_[static_cast<std::size_t>(feed)]; }
  std::vector<std::vector<std::string>> rows(Feed feed, char separator) const {
    std::vector<std::vector<std::string>> out;
    std::size_t at = 0;
    const std::string& text = of(feed);
    while (at < text.size()) {
      const std::size_t end = text.find('\n', at);
      std::vector<std::string> fields{""};
      for (std::size_t i = at; i < end; ++i) {
        if (text[i] == separator)
          fields.emplace_back();
        else
          fields.back().push_back(text[i]);
      }
      out.push_back(std::move(fields));
      at = end + 1;
    }
    return out;
  }

 private:
  std::array<std::string, kFeeds> text_;
};

Config small(double hours = 6) {
  Config config;
  config.seed = 42;
  config.numbers = 3000;
  config.hours = hours;
  config.scenario = Scenario::standard();
  return config;
}

Kept run(const Config& config, std::int64_t step_ms) {
  Province province(config);
  Kept kept;
  const auto total = static_cast<std::int64_t>(config.hours * 3'600'000);
  for (std::int64_t done = 0; done < total;) {
    done = std::min(done + step_ms, total);
    province.next({config.start.ms + done}, kept);
  }
  return kept;
}

const Kept& day() {
  static const Kept kept = run(small(24), 3'600'000);
  return kept;
}

TEST(Province, SameSeedSameBytesWhateverTheStep) {
  const Kept once = run(small(3), 10'800'000), steps = run(small(3), 7'001), again = run(small(3), 60'000);
  for (std::size_t f = 0; f < kFeeds; ++f) {
    // Three hours of so few people need not see a card opened.
    EXPECT_TRUE(static_cast<Feed>(f) == Feed::kOpenings || !once.of(static_cast<Feed>(f)).empty()) << f;
    EXPECT_EQ(once.of(static_cast<Feed>(f)), steps.of(static_cast<Feed>(f))) << f;
    EXPECT_EQ(once.of(static_cast<Feed>(f)), again.of(static_cast<Feed>(f))) << f;
  }
  Config other = small(3);
  other.seed = 43;
  EXPECT_NE(run(other, 10'800'000).of(Feed::kCalls), once.of(Feed::kCalls));
}

TEST(Province, EveryFeedIsInEventTimeOrderAndWholeInItsFields) {
  const std::map<Feed, std::pair<char, std::size_t>> shapes{
      {Feed::kCalls, {',', 13}}, {Feed::kMessages, {',', 10}},  {Feed::kOpenings, {',', 5}},
      {Feed::kConn, {'\t', 21}}, {Feed::kDns, {'\t', 24}},      {Feed::kHttp, {'\t', 30}},
      {Feed::kSsl, {'\t', 21}},  {Feed::kCellReports, {',', 6}}};
  Province province(small());
  for (const auto& [feed, shape] : shapes) {
    double last = 0;
    for (const auto& row : day().rows(feed, shape.first)) {
      ASSERT_EQ(row.size(), shape.second) << row[0] << " " << static_cast<int>(feed);
      const double at = shape.first == ',' ? static_cast<double>(parse_rfc3339(row[0]).value())
                                           : std::floor(std::stod(row[0]) * 1000 + 1e-4);
      ASSERT_GE(at, last);
      last = at;
    }
    // As many names in the header as fields in a row.
    const std::string header = province.header(feed);
    const std::size_t from = shape.first == ',' ? 0 : header.find("#fields\t") + 8;
    const std::string line = header.substr(from, header.find('\n', from) - from);
    EXPECT_EQ(static_cast<std::size_t>(std::count(line.begin(), line.end(), shape.first)) + 1, shape.second) << line;
  }
}

std::string field_of(const std::string& json, const std::string& name) {
  const std::size_t from = json.find("\"" + name + "\":\"") + name.size() + 4;
  return json.substr(from, json.find('"', from) - from);
}

TEST(Province, EveryPlantedThingIsInTheRecords) {
  std::map<std::string, std::set<std::string>> found;  // entity kind -> values in the records
  for (const auto& row : day().rows(Feed::kCalls, ',')) {
    found["number"].insert(row[1]);
    found["device"].insert(row[5]);
  }
  for (const auto& row : day().rows(Feed::kMessages, ',')) {
    found["number"].insert(row[1]);
    found["cell"].insert(row[5]);
  }
  for (const auto& row : day().rows(Feed::kConn, '\t')) {
    found["ip"].insert(row[2]);
    found["host_pair"].insert(row[2] + ">" + row[4] + ":" + row[5] + "/" + row[6]);
  }
  std::set<std::string> patterns;
  for (const auto& line : day().rows(Feed::kTruth, '\0')) {
    const std::string& json = line[0];
    if (field_of(json, "kind") == "benign") continue;
    const std::string value = field_of(json, "value");
    const std::string kind = json.find("\"entity\":{\"kind\":\"") == std::string::npos
                                 ? ""
                                 : field_of(json.substr(json.find("\"entity\"")), "kind");
    EXPECT_TRUE(found[kind].contains(value)) << json;
    EXPECT_LT(field_of(json, "first"), field_of(json, "last")) << json;
    patterns.insert(field_of(json, "pattern"));
  }
  EXPECT_EQ(patterns, (std::set<std::string>{"beacon", "brute_force", "dga", "fake_base_station", "fraud_ring",
                                             "horizontal_scan", "message_burst", "sim_box", "slow_scan",
                                             "spoofed_trunk", "vertical_scan", "wangiri"}));
}

TEST(Province, NuisancesAreInTheRecordsAsTheTruthTellsThem) {
  Config config = small(8);
  config.scenario = {};
  config.scenario.call_bombing = config.scenario.iot_misuse = config.scenario.message_campaign = {1, 1};
  const Kept kept = run(config, 3'600'000);
  std::map<std::string, std::set<std::string>> called, rung_by, wrote;
  for (const auto& row : kept.rows(Feed::kCalls, ',')) {
    called[row[1]].insert(row[2]);
    rung_by[row[2]].insert(row[1]);
  }
  for (const auto& row : kept.rows(Feed::kMessages, ',')) wrote[row[1]].insert(row[2]);
  std::map<std::string, std::size_t> told;
  for (const auto& line : kept.rows(Feed::kTruth, '\0')) {
    if (field_of(line[0], "kind") == "benign") continue;
    const std::string pattern = field_of(line[0], "pattern"), value = field_of(line[0], "value");
    ++told[pattern];
    if (pattern == "call_bombing") {
      EXPECT_GE(rung_by[value].size(), 250U) << line[0];
    } else if (pattern == "iot_misuse") {
      EXPECT_GE(called[value].size(), 15U) << line[0];
      EXPECT_TRUE(value.starts_with("+861440")) << value;
    } else {
      EXPECT_EQ(pattern, "message_campaign");
      EXPECT_GE(wrote[value].size(), 15U) << line[0];
    }
  }
  EXPECT_EQ(told["call_bombing"], 1U);
  EXPECT_GE(told["iot_misuse"], 1U);
  EXPECT_GE(told["message_campaign"], 8U);
}

TEST(Province, RingTimesAndCalleesDevicesAreLikeAPlacesOwn) {
  std::vector<double> answered, unanswered;
  std::map<std::string, std::set<std::string>> devices;  // of each callee
  std::size_t roaming = 0, told = 0, reached = 0;
  for (const auto& row : day().rows(Feed::kCalls, ',')) {
    const std::string& cause = row[9];
    if (cause == "17" || cause == "20" || cause == "1") {
      EXPECT_EQ(row[11], "") << row[0];  // it never rang
    } else {
      (row[4] == "1" ? answered : unanswered).push_back(std::stod(row[11]));
    }
    if (cause == "20" || cause == "1") {
      EXPECT_EQ(row[12], "") << row[0];
    }
    if (row[2].starts_with("+861")) {
      ++reached;
      told += row[12].empty() ? 0U : 1U;
    }
    if (!row[12].empty()) devices[row[2]].insert(row[12]);
    roaming += row[10].ends_with("roaming") ? 1U : 0U;
    if (row[10].ends_with("roaming")) {
      EXPECT_EQ(row[6], "");
    }
  }
  const auto median = [](std::vector<double>& v) {
    std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
    return v[v.size() / 2];
  };
  EXPECT_NEAR(median(answered), 9, 1.5);
  EXPECT_GT(median(unanswered), 15);  // fraud hangs up sooner
  EXPECT_GT(static_cast<double>(told), .85 * static_cast<double>(reached));
  for (const auto& [number, seen] : devices) EXPECT_EQ(seen.size(), 1U) << number;
  EXPECT_GT(roaming, 0U);
  EXPECT_LT(roaming, day().rows(Feed::kCalls, ',').size() / 100);
}

TEST(Province, TemplatesAreRegisteredOrReportedAndCardsAreOpened) {
  Config config = small(40);
  config.scenario = {};
  config.scenario.message_campaign = config.scenario.many_cards = {1, 1};
  config.scenario.copied_base_station = {1, 1};
  const Kept kept = run(config, 3'600'000);
  std::map<std::string, std::set<std::string>> links;  // of each sample
  std::map<std::string, std::set<std::string>> senders;
  for (const auto& row : kept.rows(Feed::kMessages, ',')) {
    if (row[8].empty()) {
      EXPECT_EQ(row[9], "");
      continue;
    }
    EXPECT_TRUE(row[8].starts_with("registered:") || row[8].starts_with("reported:")) << row[8];
    links[row[8]].insert(row[9]);
    senders[row[8]].insert(row[1]);
  }
  std::size_t shared = 0;
  for (const auto& [sample, domains] : links) {
    EXPECT_EQ(domains.size(), 1U) << sample;
    shared += sample.starts_with("reported:") && senders[sample].size() >= 5 ? 1U : 0U;
  }
  EXPECT_EQ(shared, 2U);  // the campaign of each day
  std::set<std::string> copied, cells;
  for (const auto& line : kept.rows(Feed::kTruth, '\0'))
    if (field_of(line[0], "pattern") == "copied_base_station") copied.insert(field_of(line[0], "value"));
  for (const auto& row : kept.rows(Feed::kCalls, ',')) cells.insert(row[6]);
  EXPECT_EQ(copied.size(), 2U);
  for (const std::string& cell : copied) EXPECT_TRUE(cells.contains(cell)) << cell;  // people call there
  std::map<std::string, std::set<std::string>> held, used;
  for (const auto& row : kept.rows(Feed::kOpenings, ',')) {
    EXPECT_TRUE(row[2].starts_with("holder:")) << row[2];
    if (row[4].empty()) held[row[2]].insert(row[1]);
  }
  for (const auto& row : kept.rows(Feed::kCalls, ',')) used[row[5]].insert(row[1]);
  std::size_t many = 0, told = 0;
  for (const auto& [holder, cards] : held) many += cards.size() >= 5 ? 1U : 0U;
  EXPECT_EQ(many, 2U);  // one a day
  for (const auto& line : kept.rows(Feed::kTruth, '\0')) {
    if (field_of(line[0], "pattern") != "many_cards") continue;
    const std::string value = field_of(line[0], "value");
    ++told;
    if (used.contains(value)) {
      EXPECT_GE(used[value].size(), 5U);
    }
  }
  EXPECT_GE(told, 7U);
}

std::map<std::string, std::vector<std::string>> told(const Kept& kept, std::string_view kind) {
  std::map<std::string, std::vector<std::string>> out;  // of each pattern
  for (const auto& line : kept.rows(Feed::kTruth, '\0'))
    if (field_of(line[0], "kind") == kind) out[field_of(line[0], "pattern")].push_back(field_of(line[0], "value"));
  return out;
}

TEST(Province, AFewTelephonesTellOfOddCells) {
  Config config = small(40);
  config.scenario = {};
  config.scenario.fake_base_station = config.scenario.unseen_base_station = {2, 1};
  config.scenario.new_cell = {4, 1};
  const Kept kept = run(config, 3'600'000);
  std::map<std::string, std::set<std::string>> reporters, reasons;  // of each cell
  const std::set<std::string> known{"unknown_cell", "lac_jump", "forced_2g", "strong_signal", "message_from_it"};
  for (const auto& row : kept.rows(Feed::kCellReports, ',')) {
    EXPECT_TRUE(row[1].starts_with("app-")) << row[1];  // never the number
    EXPECT_TRUE(known.contains(row[3])) << row[3];
    EXPECT_EQ(row[5].empty(), row[3] != "message_from_it") << row[5];
    reporters[row[2]].insert(row[1]);
    reasons[row[2]].insert(row[3]);
  }
  auto fraud = told(kept, "fraud"), benign = told(kept, "benign");
  ASSERT_EQ(fraud["fake_base_station"].size(), 4U);
  ASSERT_EQ(fraud["unseen_base_station"].size(), 4U);
  for (const char* pattern : {"fake_base_station", "unseen_base_station"}) {
    for (const std::string& cell : fraud[pattern]) {
      EXPECT_GE(reporters[cell].size(), 20U) << pattern;  // four in a hundred of a thousand
      EXPECT_LE(reporters[cell].size(), 70U) << pattern;
      EXPECT_TRUE(reasons[cell].contains("message_from_it"));
    }
  }
  std::map<std::string, std::size_t> calls;
  for (const auto& row : kept.rows(Feed::kCalls, ',')) ++calls[row[6]];
  for (const auto& row : kept.rows(Feed::kMessages, ',')) ++calls[row[5]];
  for (const std::string& cell : fraud["unseen_base_station"]) EXPECT_EQ(calls[cell], 0U);
  std::size_t new_cells = 0;
  for (const char* pattern : {"new_cell", "event_cell", "emergency_cell"}) {
    for (const std::string& cell : benign[pattern]) {
      ++new_cells;
      EXPECT_GT(calls[cell], 20 * reporters[cell].size()) << pattern;  // people use it
      EXPECT_FALSE(reasons[cell].contains("message_from_it"));
    }
  }
  EXPECT_GE(new_cells, 5U);
}

TEST(Province, ARelaysCardsAreUsedInTurnAndACompanysSideBySide) {
  Config config = small(40);
  config.numbers = 800;
  config.scenario = {};
  config.scenario.trunk_relay = {2, 1};
  config.scenario.company_trunk = {4, 1};
  const Kept kept = run(config, 3'600'000);
  struct Line {
    std::map<std::string, std::pair<std::int64_t, std::int64_t>> used;  // each number's first and last call out
    std::size_t out = 0, in = 0;
  };
  std::map<std::string, Line> lines;
  auto fraud = told(kept, "fraud"), benign = told(kept, "benign");
  const std::set<std::string> relayed(fraud["trunk_relay"].begin(), fraud["trunk_relay"].end());
  for (const auto& row : kept.rows(Feed::kCalls, ',')) {
    if (!row[8].starts_with("line-")) continue;
    EXPECT_EQ(row[6], "");
    EXPECT_EQ(relayed.contains(row[8]), relayed.contains(row[1]) && row[5].empty()) << row[1];
    const std::int64_t at = parse_rfc3339(row[0]).value();
    Line& line = lines[row[8]];
    ++(row[5].empty() ? line.out : line.in);
    if (row[5].empty()) {
      auto& used = line.used.try_emplace(row[1], at, at).first->second;
      used.second = at;
    }
  }
  std::size_t relays = 0, companies = 0;
  for (auto& [name, line] : lines) {
    std::int64_t longest = 0;
    for (const auto& [number, used] : line.used) longest = std::max(longest, used.second - used.first);
    if (relayed.contains(name)) {
      ++relays;
      EXPECT_EQ(line.in, 0U);
      EXPECT_GE(line.used.size(), 15U);
      EXPECT_LE(longest, 90 * kMinute);
    } else if (line.out > 500) {  // a full day of it
      ++companies;
      EXPECT_GE(longest, 4 * kHour) << name;
    }
  }
  EXPECT_GE(relays, 2U);
  EXPECT_GE(companies, 2U);
  EXPECT_GE(benign["company_trunk"].size() + benign["call_centre_trunk"].size(), 4 * 13U);
}

TEST(Province, MinutesAbroadAreMadeSideBySideAndTalkedOneByOne) {
  Config config = small(40);
  config.scenario = {};
  config.scenario.premium_abuse = {6, 1};
  config.scenario.calls_abroad = {12, 1};
  const Kept kept = run(config, 3'600'000);
  std::map<std::string, std::vector<std::pair<std::int64_t, std::int64_t>>> abroad;  // talks of each number
  std::map<std::string, std::set<std::string>> rung_by;
  for (const auto& row : kept.rows(Feed::kCalls, ',')) {
    rung_by[row[2]].insert(row[1]);
    if (row[10] != "international" || row[4] != "1") continue;
    EXPECT_FALSE(row[2].starts_with("+86")) << row[2];
    const std::int64_t at = parse_rfc3339(row[0]).value();
    abroad[row[1]].emplace_back(at, at + std::stoll(row[3]) * 1000);
  }
  const auto at_once = [&](const std::string& number) {
    std::size_t most = 0;
    for (const auto& one : abroad[number]) {
      std::size_t now = 0;
      for (const auto& other : abroad[number]) now += other.first <= one.first && one.first < other.second ? 1U : 0U;
      most = std::max(most, now);
    }
    return most;
  };
  auto fraud = told(kept, "fraud"), benign = told(kept, "benign");
  EXPECT_GE(fraud["premium_abuse"].size(), 12U);
  std::size_t exchanges = 0;
  for (const std::string& number : fraud["premium_abuse"]) {
    const std::int64_t begins = abroad[number].at(0).first;
    EXPECT_GE(at_once(number), begins + kHour < config.start.ms + 40 * kHour ? 3U : 1U) << number;
    if (number.starts_with("+8657")) {
      ++exchanges;
      EXPECT_GE((begins / kHour + 8) % 24, 21) << number;  // at night
    }
  }
  EXPECT_GE(exchanges, 2U);
  for (const char* pattern : {"family_abroad", "flight_crew", "export_desk"})
    for (const std::string& number : benign[pattern]) EXPECT_LE(at_once(number), 1U) << pattern;
  ASSERT_FALSE(benign["televoting"].empty());
  EXPECT_GE(rung_by[benign["televoting"][0]].size(), 200U);
}

TEST(Province, AFileOfOtherColumnsIsPutAside) {
  const std::string folder = testing::TempDir() + "province_before";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/calls.csv") << "time,caller,callee\n2026-01-05T00:00:00Z,1,2\n";
  for (int again = 0; again < 2; ++again) {
    auto feed = LiveFeed::open(platform::posix_files(), folder, small());
    ASSERT_TRUE(feed.ok()) << feed.error().text();
    ASSERT_TRUE((*feed)->run_until({small().start.ms + 60'000}).ok());
  }
  std::string first, line;
  std::ifstream now(folder + "/calls.csv"), before(folder + "/calls.csv.before");
  std::getline(now, first);
  EXPECT_EQ(first + "\n", Province(small()).header(Feed::kCalls));
  while (std::getline(now, line)) EXPECT_NE(line, first);
  std::getline(before, first);
  EXPECT_EQ(first, "time,caller,callee");
  std::filesystem::remove_all(folder);
}

TEST(Province, AFraudRingCallsManyDifferentPeopleAndIsSeldomAnswered) {
  std::map<std::string, std::set<std::string>> callees;
  std::map<std::string, std::pair<int, int>> calls;  // all, answered
  for (const auto& row : day().rows(Feed::kCalls, ',')) {
    callees[row[1]].insert(row[2]);
    ++calls[row[1]].first;
    calls[row[1]].second += row[4] == "1";
  }
  int seen = 0;
  for (const auto& line : day().rows(Feed::kTruth, '\0')) {
    if (field_of(line[0], "pattern") != "fraud_ring") continue;
    const std::string number = field_of(line[0], "value");
    ++seen;
    EXPECT_GT(calls[number].first, 60) << number;
    EXPECT_GT(callees[number].size(), static_cast<std::size_t>(calls[number].first) * 8 / 10);
    EXPECT_LT(calls[number].second, calls[number].first / 2);
  }
  EXPECT_GE(seen, 8 * 3);
}

TEST(Province, AQuietScenarioPlantsNothing) {
  Config config = small(2);
  config.scenario = Scenario{};
  const Kept kept = run(config, 600'000);
  EXPECT_EQ(kept.of(Feed::kTruth).find("\"fraud\""), std::string::npos);
  EXPECT_EQ(kept.of(Feed::kTruth).find("\"threat\""), std::string::npos);
  EXPECT_EQ(kept.of(Feed::kCalls).find("igw-2"), std::string::npos);
  EXPECT_EQ(kept.of(Feed::kCalls).find(",international,"), std::string::npos);  // some are abroad and call home
}

TEST(Province, VolumeRhythmAndReciprocityAreLikeAPlacesOwn) {
  Config config = small(24);
  config.scenario = Scenario{};
  const Kept quiet = run(config, 3'600'000);
  const auto calls = quiet.rows(Feed::kCalls, ',');
  const auto messages = quiet.rows(Feed::kMessages, ',');
  const double per_number = static_cast<double>(calls.size() + messages.size()) / 3000;
  EXPECT_GT(per_number, 6);  // 9.2 a user and day in Huizhou, 2017
  EXPECT_LT(per_number, 16);
  std::array<int, 24> hours{};
  std::set<std::pair<std::string, std::string>> pairs;
  int answered = 0;
  for (const auto& row : calls) {
    ++hours[static_cast<std::size_t>((std::stoi(row[0].substr(11, 2)) + 8) % 24)];
    if (row[10] == "voice") pairs.emplace(row[1], row[2]);
    answered += row[4] == "1";
  }
  EXPECT_GT(hours[10], 8 * hours[3]);
  EXPECT_GT(hours[10] + hours[18], hours[13] * 3 / 2);  // two humps
  std::size_t returned = 0;
  for (const auto& [a, b] : pairs) returned += pairs.contains({b, a});
  const double reciprocity = static_cast<double>(returned) / static_cast<double>(pairs.size());
  EXPECT_GT(reciprocity, .08) << returned << " of " << pairs.size();
  EXPECT_LT(reciprocity, .7);
  EXPECT_NEAR(static_cast<double>(answered) / static_cast<double>(calls.size()), .65, .15);
}

TEST(Population, NumbersAreUniqueAndCirclesAreMutual) {
  const Population people(20'000, 7);
  std::set<std::string> numbers;
  for (std::uint32_t i = 0; i < people.size(); ++i) {
    std::string number;
    people.append_number(number, i);
    EXPECT_TRUE(numbers.insert(number).second) << number;
  }
  for (std::uint32_t i = 0; i < 2000; ++i)
    for (std::uint32_t rank = 0; rank < 5; ++rank) ASSERT_EQ(people.friend_of(people.friend_of(i, rank), rank), i);
  EXPECT_GT(people.count(Role::kCourier), 0U);
}

TEST(Population, DevicesHaveALuhnDigit) {
  std::string imei;
  append_imei(imei, 123'456'789'012ULL);
  EXPECT_EQ(imei.size(), 15U);
  int sum = 0;
  for (std::size_t i = 0; i < 15; ++i) {
    int digit = imei[i] - '0';
    if (i % 2 == 1) digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
    sum += digit;
  }
  EXPECT_EQ(sum % 10, 0);
}

TEST(Scenario, ShippedOnesLoadAndTheDefaultIsTheStandard) {
  const std::string folder = std::string(PANDUN_SOURCE_DIR) + "/content/scenarios/";
  const auto standard = load_scenario(platform::posix_files(), folder + "default.toml");
  ASSERT_TRUE(standard.ok()) << standard.error().text();
  Config a = small(), b = small();
  a.scenario = *standard;
  b.scenario = Scenario::standard();
  EXPECT_EQ(Province(a).describe(), Province(b).describe());
  for (const char* name : {"quiet.toml", "busy.toml", "fraud.toml"}) {
    const auto other = load_scenario(platform::posix_files(), folder + name);
    EXPECT_TRUE(other.ok()) << other.error().text();
  }
}

TEST(Scenario, EveryFaultIsNamed) {
  const auto bad = parse_scenario("s.toml",
                                  "activity = -1\ncolour = 3\n[plant]\nfraud_ring = { per_day = \"x\", often = 2 "
                                  "}\nufo = { per_day = 1 }\nbeacon = 3\n");
  ASSERT_FALSE(bad.ok());
  for (const char* fault : {"s.toml:1: activity", "s.toml:2: \"colour\"", "s.toml:4: per_day", "s.toml:4: \"often\"",
                            "s.toml:5: \"ufo\"", "s.toml:6: beacon must"})
    EXPECT_NE(bad.error().message.find(fault), std::string::npos) << fault << "\n" << bad.error().message;
  EXPECT_EQ(parse_scenario("s.toml", "a = ").error().where, "s.toml:1:5");
}

}  // namespace
}  // namespace pandun::province
