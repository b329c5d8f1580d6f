#include "api/testing/stack.h"

#include <stdlib.h>

#include "api/http/url.h"
#include "store/sqlite/sqlite_store.h"

namespace pandun::api::testing {
namespace {

class NamedLines final : public casework::SourceLines {
 public:
  std::string line(const model::SourceRef& record) const override {
    return "calls.csv:" + std::to_string(record.record);
  }
};

std::array<unsigned char, 32> fixed_key() {
  std::array<unsigned char, 32> key{};
  key.fill(7);
  return key;
}

constexpr const char* kPassword = "plenty-of-words-here";

}  // namespace

Stack::Stack() : key_(fixed_key()) {
  char name[] = "/tmp/pandun_api_XXXXXX";
  directory_ = ::mkdtemp(name);
  platform::FileSystem& files = platform::posix_files();
  auto store = store::open_sqlite(directory_ + "/records.db", clock_);
  EXPECT_TRUE(store.ok()) << store.error().text();
  store_ = std::move(*store);
  audit_ = std::make_unique<guard::Audit>(*store_, clock_, key_);
  auto content = casework::load_casework_content(files, PANDUN_SOURCE_DIR "/content");
  EXPECT_TRUE(content.ok()) << content.error().text();
  content_ = std::move(*content);
  vault_ = std::make_unique<guard::Vault>(*store_, *audit_, clock_, key_, content_->laws);
  lines_ = std::make_unique<NamedLines>();
  desk_ = std::make_unique<casework::CaseDesk>(casework::DeskParts{.store = *store_,
                                                                   .audit = *audit_,
                                                                   .vault = *vault_,
                                                                   .clock = clock_,
                                                                   .content = *content_,
                                                                   .detectors = detectors_,
                                                                   .identities = identities_,
                                                                   .lines = *lines_});
  identity_ = std::make_unique<guard::Identity>(*store_, *audit_, clock_, guard::PasswordCost::least());
  sessions_ = std::make_unique<guard::SessionDesk>(*store_, *identity_, *audit_, clock_);
  root_.name = root_.person = "root";
  root_.user_id = "U-root";
  root_.roles = {guard::Role::kAdmin};
  build({});
}

Stack::~Stack() {
  api_.reset();
  const std::string command = "rm -rf '" + directory_ + "'";
  EXPECT_EQ(::system(command.c_str()), 0);
}

void Stack::build(ApiOptions options) {
  const ApiParts parts{*desk_,   *identity_, *sessions_, *audit_, *vault_,
                       decider_, platform_,  live_,      clock_,  platform::posix_files()};
  auto api = Api::make(parts, std::move(options));
  ASSERT_TRUE(api.ok()) << api.error().text();
  api_ = std::move(*api);
}

std::string Stack::raise(unsigned last_digits, unsigned severity) {
  model::Signal signal;
  signal.position = ++position_;
  signal.detector = "burst_calling";
  signal.entity = model::Entity::of(model::NumberKey::e164(8613800138000ULL + last_digits));
  signal.first = EventMs{1'779'999'000'000};
  signal.last = EventMs{1'779'999'900'000};
  signal.severity = static_cast<std::uint8_t>(severity);
  signal.confidence = 0.9;
  signal.topic = "fraud_call";
  signal.title = {"短时高频呼叫", "Burst calling"};
  signal.evidence = {{"calls_1h", 240, 60, "calls"}};
  signal.series = {{EventMs{1'779'999'000'000}, 12}};
  signal.series_feature = "calls_1h";
  signal.records = {{1, 42}};
  const auto report = desk_->ingest_signals({&signal, 1}, "test", position_);
  EXPECT_TRUE(report.ok()) << report.error().text();
  if (!report.ok() || report->new_alerts.size() != 1) return {};
  return report->new_alerts[0];
}

Who& Stack::user(const std::string& name, const std::vector<std::string>& roles) {
  const auto known = users_.find(name);
  if (known != users_.end()) return known->second;
  const auto made = identity_->create_user(root_, {name, name, roles, std::string(kPassword)});
  EXPECT_TRUE(made.ok()) << made.error().text();
  Who& who = users_[name];
  const std::string body = R"({"username":")" + name + R"(","password":")" + kPassword + R"("})";
  const http::Response in = post({}, "/api/v1/session", body);
  EXPECT_EQ(in.status, 200) << in.body;
  const std::string cookie = header(in, "Set-Cookie");
  who.cookie = cookie.substr(0, cookie.find(';'));
  who.csrf = field(in.body, "csrf_token");
  if (in.body.find("\"must_change_password\":true") == std::string::npos) return who;
  const std::string change =
      std::string(R"({"old_password":")") + kPassword + R"(","new_password":"other-words-entirely"})";
  EXPECT_EQ(post(who, "/api/v1/session/password", change).status, 204);
  return who;
}

http::Response Stack::ask(const Who& who, http::Method method, const std::string& target, const std::string& body,
                          std::vector<http::Header> headers) {
  http::Request request;
  request.method = method;
  const auto parsed = http::parse_target(target);
  EXPECT_TRUE(parsed) << target;
  request.path = parsed->path;
  request.query = parsed->query;
  request.headers = std::move(headers);
  request.peer = "192.0.2.10";
  request.id = ++next_id_;
  if (!who.cookie.empty()) request.headers.push_back({"cookie", who.cookie});
  if (!who.csrf.empty() && method != http::Method::kGet) request.headers.push_back({"x-csrf-token", who.csrf});
  if (!who.bearer.empty()) request.headers.push_back({"authorization", "Bearer " + who.bearer});
  if (!body.empty()) {
    request.headers.push_back({"content-type", "application/json"});
    request.headers.push_back({"content-length", std::to_string(body.size())});
  }
  request.body = body;
  const http::Plan plan = api_->plan(request);
  http::Response response = plan.refuse ? *plan.refuse : api_->handle(request);
  const Router::Match match = api_->router().match(method, request.path);
  if (match.route != nullptr) {
    const Operation* operation = api_->contract().find(match.route->method, match.route->path);
    std::vector<Fault> faults;
    if (response.status != 304) api_->contract().check_answer(*operation, response.status, text_of(response), faults);
    for (const Fault& fault : faults) {
      ADD_FAILURE() << target << " answered " << response.status << ": " << fault.where << " " << fault.message << "\n"
                    << text_of(response).substr(0, 2000);
    }
  }
  if (!target.ends_with("/values") && !target.ends_with("/openapi.json")) {
    EXPECT_EQ(text_of(response).find(kClearDigits), std::string::npos) << target;
  }
  return response;
}

std::string Stack::header(const http::Response& response, std::string_view name) {
  for (const http::Header& h : response.headers) {
    if (h.name == name) return h.value;
  }
  return {};
}

std::string Stack::field(const std::string& json, const std::string& name) {
  const std::string mark = "\"" + name + "\":\"";
  const std::size_t at = json.find(mark);
  if (at == std::string::npos) return {};
  const std::size_t begin = at + mark.size();
  return json.substr(begin, json.find('"', begin) - begin);
}

}  // namespace pandun::api::testing
