// Orders as signed files: DATA/outbox/ORDER.json out, DATA/inbox/*.json back. docs/casework.md has both forms.
//
// Signature  Ed25519 over the bytes of `payload`, which is the order as JSON text; the key is derived from the site key.
// Inbox      read files go to inbox/done/, what cannot be used to inbox/bad/ with a line that says why.
#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "actions/kit/action.h"
#include "guard/audit_anchor.h"
#include "guard/json_writer.h"

namespace pandun::actions {
namespace {

constexpr std::uint64_t kReceiptBytesMax = 64 * 1024;
constexpr std::size_t kReceiptsPerRun = 200;

const ActionSpec& outbox_spec() {
  static const ActionSpec kSpec{
      "outbox",
      "Signed order files",
      "签名指令文件",
      "Writes each order as a signed JSON file into the outbox folder, from where the site's own exchange takes it.",
      "把每条指令写成签名的 JSON 文件放入 outbox 目录，由本单位的交换通道取走。",
      "measure.order",
      "JSON files in the inbox folder: order, state (acknowledged, done, failed), at, detail.",
      "inbox 目录中的 JSON 文件：order、state（acknowledged、done、failed）、at、detail。"};
  return kSpec;
}

class Outbox final : public Action {
 public:
  explicit Outbox(const ActionEnvironment& environment)
      : files_(environment.files),
        outbox_(platform::join(environment.data_directory, "outbox")),
        inbox_(platform::join(environment.data_directory, "inbox")) {
    const platform::SealKey seed = environment.site_key.derive("order-sign");
    crypto_sign_seed_keypair(public_.data(), secret_.data(),
                             reinterpret_cast<const unsigned char*>(seed.bytes().data()));
  }
  ~Outbox() override { sodium_memzero(secret_.data(), secret_.size()); }
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  Result<std::string> preview(const Order& order) const override {
    std::array<unsigned char, crypto_sign_BYTES> signature{};
    crypto_sign_detached(signature.data(), nullptr, reinterpret_cast<const unsigned char*>(order.doc.data()),
                         order.doc.size(), secret_.data());
    std::string out;
    guard::JsonWriter json(out);
    json.begin_object().field("format", "pandun-order-1").field("order", order.id).field("payload", order.doc);
    json.field("algorithm", "Ed25519").field("public_key", hex(public_)).field("signature", hex(signature));
    json.end_object();
    out.push_back('\n');
    return out;
  }

  Result<> apply(const Order& order) override {
    if (!good_name(order.id)) return error(Errc::kUsage, "order", "the id cannot be a file name");
    TRY_ASSIGN(const std::string text, preview(order));
    TRY(files_.make_directories(outbox_));
    return platform::replace_file(files_, platform::join(outbox_, order.id + ".json"), text);
  }
  Result<> undo(const Order& order) override { return apply(order); }

  Result<std::vector<Receipt>> receipts() override {
    std::vector<Receipt> out;
    if (!files_.info(inbox_).ok()) {
      TRY(files_.make_directories(inbox_));
      return out;
    }
    TRY_ASSIGN(const auto names, files_.list(inbox_));
    for (const std::string& name : names) {
      if (!name.ends_with(".json") || out.size() >= kReceiptsPerRun) continue;
      const std::string path = platform::join(inbox_, name);
      Result<std::string> text = platform::read_file(files_, path, kReceiptBytesMax);
      if (text.ok()) {
        out.push_back(parse(name, *text));
      } else if (text.error().code == Errc::kTooLarge) {
        Receipt receipt;
        receipt.name = name;
        receipt.fault = fmt::format("larger than {} bytes", kReceiptBytesMax);
        out.push_back(std::move(receipt));
      }
    }
    return out;
  }

  Result<> accepted(const Receipt& receipt) override { return move(receipt.name, "done"); }
  Result<> rejected(const Receipt& receipt, const std::string& why) override {
    TRY(move(receipt.name, "bad"));
    return platform::replace_file(files_, platform::join(platform::join(inbox_, "bad"), receipt.name + ".why"),
                                  why + "\n");
  }

 private:
  template <std::size_t N>
  static std::string hex(const std::array<unsigned char, N>& bytes) {
    return guard::hex_of({reinterpret_cast<const char*>(bytes.data()), N});
  }
  static bool good_name(const std::string& name) {
    return !name.empty() && name.size() <= 100 && std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
  }

  static Receipt parse(const std::string& name, const std::string& text) {
    namespace bj = boost::json;
    Receipt receipt;
    receipt.name = name;
    receipt.digest = guard::anchor_digest(text);
    bj::error_code failure;
    const bj::value document = bj::parse(text, failure);
    if (failure || !document.is_object()) {
      receipt.fault = "not a JSON object";
      return receipt;
    }
    const bj::object& object = document.get_object();
    const auto field = [&](std::string_view key) {
      const bj::value* value = object.if_contains(key);
      return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
    };
    receipt.order = field("order");
    receipt.state = field("state");
    receipt.detail = field("detail");
    receipt.carrier = field("carrier");
    if (const auto at = parse_rfc3339(field("at"))) receipt.at = WallMs{*at};
    if (receipt.order.empty() || receipt.state.empty()) receipt.fault = "'order' and 'state' are needed, as text";
    return receipt;
  }

  Result<> move(const std::string& name, const std::string& folder) {
    const std::string directory = platform::join(inbox_, folder);
    TRY(files_.make_directories(directory));
    TRY(files_.rename(platform::join(inbox_, name), platform::join(directory, name)));
    return files_.sync_directory(inbox_);
  }

  platform::FileSystem& files_;
  std::string outbox_, inbox_;
  std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> public_{};
  std::array<unsigned char, crypto_sign_SECRETKEYBYTES> secret_{};
};

std::unique_ptr<Action> make_outbox(const ActionEnvironment& environment) {
  return std::make_unique<Outbox>(environment);
}

}  // namespace

ActionPart outbox_action() {
  return {outbox_spec, make_outbox};
}

}  // namespace pandun::actions
