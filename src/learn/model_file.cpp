// The stored form of a model: write_model() and read_model().
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "guard/json_writer.h"
#include "learn/digest.h"
#include "learn/model.h"

namespace pandun::learn {
namespace {

constexpr std::string_view kMagic = "pandun-model ";
constexpr int kVersion = 1;

using guard::JsonWriter;

// Nine significant digits name a float, also when they are read as a double first.
void write_floats(JsonWriter& json, std::string_view key, const Tree& tree, float (*of)(const TreeNode&)) {
  std::string list = "[";
  for (const TreeNode& node : tree) {
    if (list.size() > 1) list.push_back(',');
    const float value = of(node);
    fmt::format_to(std::back_inserter(list), "{:.9g}", value == 0 ? 0.0F : value);
  }
  json.key(key).raw(list + "]");
}

void write_tree(JsonWriter& json, const Tree& tree) {
  json.begin_object();
  // -1: a leaf; else feature * 2 + (1 when a missing value goes left).
  std::string split = "[", left = "[";
  for (const TreeNode& node : tree) {
    if (split.size() > 1) split.push_back(','), left.push_back(',');
    fmt::format_to(std::back_inserter(split), "{}",
                   node.leaf ? -1 : static_cast<std::int64_t>(node.feature) * 2 + (node.missing_left ? 1 : 0));
    fmt::format_to(std::back_inserter(left), "{}", node.leaf ? 0U : node.left);
  }
  json.key("split").raw(split + "]").key("left").raw(left + "]");
  write_floats(json, "value", tree, [](const TreeNode& node) { return node.leaf ? node.value : node.threshold; });
  write_floats(json, "cover", tree, [](const TreeNode& node) { return node.cover; });
  json.end_object();
}

void write_origin(JsonWriter& json, const ModelOrigin& origin) {
  const DataManifest& m = origin.manifest;
  json.key("origin").begin_object().key("manifest").begin_object();
  json.field("name", m.name).field("provenance", m.provenance).field("licence", m.licence).field("purpose", m.purpose);
  json.field("consent", m.consent)
      .field("deidentification", m.deidentification)
      .field("impact_assessment", m.impact_assessment);
  json.end_object();
  json.field("table_digest", origin.table_digest).field("edges_digest", origin.edges_digest);
  json.field("label", origin.label).field("split", origin.split).field("trainer", origin.trainer);
  json.key("rows").unsigned_integer(origin.rows).key("positives").unsigned_integer(origin.positives);
  json.field("seed", std::to_string(origin.seed));
  json.key("parameters").begin_object();
  for (const auto& [key, value] : origin.parameters) json.field(key, value);
  json.end_object().end_object();
}

std::string_view kind_name(Calibration::Kind kind) {
  return kind == Calibration::Kind::kPlatt ? "platt" : kind == Calibration::Kind::kIsotonic ? "isotonic" : "none";
}

void write_calibration(JsonWriter& json, const Calibration& c) {
  json.key("calibration").begin_object().field("kind", kind_name(c.kind));
  json.key("slope").number(c.slope).key("offset").number(c.offset).key("points").begin_array();
  for (const auto& [margin, p] : c.points) json.begin_array().number(margin).number(p).end_array();
  json.end_array().end_object();
}

// ---- reading: everything is untrusted until check_model() has seen it ----

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

class Reader {
 public:
  explicit Reader(const std::string& where) : where_(where) {}

  Result<Model> read(std::string_view body) {
    simdjson::dom::parser parser(kModelBytesMax + simdjson::SIMDJSON_PADDING);
    element root;
    if (const auto fault = parser.parse(body.data(), body.size()).get(root); fault != simdjson::SUCCESS)
      return bad("the body is no JSON: " + std::string(simdjson::error_message(fault)));
    object top;
    if (root.get(top) != simdjson::SUCCESS) return bad("the body is no JSON object");
    Model model;
    TRY(text(top, "name", model.name));
    std::uint64_t batch = 0;
    TRY(number(top, "batch", batch));
    if (batch == 0 || batch > 1'000'000'000) return bad("'batch' is outside 1..1,000,000,000");
    model.batch = static_cast<std::uint32_t>(batch);
    TRY(text(top, "change_note", model.change_note));
    TRY(texts(top, "inputs", model.inputs, kModelFeaturesMax));
    TRY(read_derived(top, model));
    TRY(read_categories(top, model));
    double base = 0;
    TRY(number(top, "base_margin", base));
    TRY_ASSIGN(model.base_margin, single(base, "base_margin"));
    TRY(read_members(top, model));
    TRY(read_calibration(top, model.calibration));
    TRY(read_thresholds(top, model));
    TRY(read_metrics(top, model));
    TRY(read_origin(top, model.origin));
    TRY(check_model(model, where_));
    return model;
  }

 private:
  Error bad(std::string message) const { return error(Errc::kBadInput, where_, std::move(message)); }
  Error wrong(std::string_view key, const char* kind) const {
    return bad("'" + std::string(key) + "' is missing or not " + kind);
  }

  Result<float> single(double value, const char* what) const {
    // A little more than the bound may be its own nine digits; 0 has one sign here, as a stored "-0" would not keep it.
    const bool in_range = std::fabs(value) <= 1.01 * static_cast<double>(kModelFloatMax);
    const float stored = in_range ? static_cast<float>(value) : 0;
    if (!in_range || std::fabs(stored) > kModelFloatMax) return bad(std::string(what) + " is outside +-3e38");
    return stored == 0 ? 0.0F : stored;
  }

  Result<> text(const object& from, std::string_view key, std::string& out) const {
    std::string_view value;
    if (from[key].get(value) != simdjson::SUCCESS) return wrong(key, "a text");
    if (value.size() > 16'384) return error(Errc::kTooLarge, where_, "'" + std::string(key) + "' is over 16 KiB");
    out = value;
    return {};
  }
  Result<> number(const object& from, std::string_view key, double& out) const {
    return from[key].get(out) == simdjson::SUCCESS ? Result<>() : wrong(key, "a number");
  }
  Result<> number(const object& from, std::string_view key, std::uint64_t& out) const {
    return from[key].get(out) == simdjson::SUCCESS ? Result<>() : wrong(key, "a whole number");
  }
  Result<object> child(const object& from, std::string_view key) const {
    object out;
    if (from[key].get(out) != simdjson::SUCCESS) return wrong(key, "an object");
    return out;
  }
  Result<array> list(const object& from, std::string_view key) const {
    array out;
    if (from[key].get(out) != simdjson::SUCCESS) return wrong(key, "a list");
    return out;
  }
  Result<> texts(const object& from, std::string_view key, std::vector<std::string>& out, std::size_t most) const {
    TRY_ASSIGN(const array items, list(from, key));
    for (const element item : items) {
      std::string_view value;
      if (item.get(value) != simdjson::SUCCESS) return wrong(key, "a list of texts");
      if (out.size() >= most || value.size() > 16'384)
        return error(Errc::kTooLarge, where_, "'" + std::string(key) + "' is too long");
      out.emplace_back(value);
    }
    return {};
  }

  Result<> read_derived(const object& top, Model& model) const {
    TRY_ASSIGN(const array items, list(top, "derived"));
    for (const element item : items) {
      object from;
      if (item.get(from) != simdjson::SUCCESS) return wrong("derived", "a list of objects");
      Derived derived;
      std::string kind;
      std::uint64_t a = 0, b = 0;
      TRY(text(from, "name", derived.name));
      TRY(text(from, "kind", kind));
      TRY(number(from, "a", a));
      TRY(number(from, "b", b));
      const auto known = parse_derived_kind(kind);
      if (!known)
        return error(Errc::kUnsupported, where_, "the derived kind '" + kind.substr(0, 40) + "' is not known");
      if (a >= model.inputs.size() || b >= model.inputs.size())
        return bad("the derived column '" + derived.name.substr(0, 80) + "' reads a column that does not exist");
      if (model.derived.size() >= kModelFeaturesMax) return error(Errc::kTooLarge, where_, "over 8,192 columns");
      derived.kind = *known;
      derived.a = static_cast<std::uint32_t>(a);
      derived.b = static_cast<std::uint32_t>(b);
      model.derived.push_back(std::move(derived));
    }
    return {};
  }

  Result<> read_categories(const object& top, Model& model) const {
    TRY_ASSIGN(const object from, child(top, "categories"));
    for (const auto field : from) {
      array unused;
      if (field.value.get(unused) != simdjson::SUCCESS) return wrong("categories", "an object of lists");
      TRY(texts(from, field.key, model.categories[std::string(field.key)], 10'000));
    }
    return {};
  }

  Result<> read_members(const object& top, Model& model) const {
    TRY_ASSIGN(const array members, list(top, "members"));
    std::size_t trees_seen = 0, nodes_seen = 0;
    for (const element item : members) {
      if (model.members.size() >= kModelMembersMax) return error(Errc::kTooLarge, where_, "over 256 members");
      array trees;
      if (item.get(trees) != simdjson::SUCCESS) return wrong("members", "a list of lists");
      Member member;
      for (const element tree : trees) {
        object from;
        if (tree.get(from) != simdjson::SUCCESS) return bad("a tree is no object");
        if (++trees_seen > kModelTreesMax) return error(Errc::kTooLarge, where_, "over 20,000 trees");
        TRY_ASSIGN(Tree read, read_tree(from, kModelNodesMax - nodes_seen));
        nodes_seen += read.size();
        member.trees.push_back(std::move(read));
      }
      model.members.push_back(std::move(member));
    }
    return {};
  }

  Result<Tree> read_tree(const object& from, std::size_t room) const {
    TRY_ASSIGN(const array split, list(from, "split"));
    TRY_ASSIGN(const array left, list(from, "left"));
    TRY_ASSIGN(const array value, list(from, "value"));
    TRY_ASSIGN(const array cover, list(from, "cover"));
    Tree tree;
    auto l = left.begin(), v = value.begin(), c = cover.begin();
    for (const element item : split) {
      if (tree.size() >= room) return error(Errc::kTooLarge, where_, "over 8 million nodes");
      std::int64_t code = 0, child_at = 0;
      double threshold = 0, weight = 0;
      if (!(l != left.end()) || !(v != value.end()) || !(c != cover.end()) || item.get(code) != simdjson::SUCCESS ||
          (*l).get(child_at) != simdjson::SUCCESS || (*v).get(threshold) != simdjson::SUCCESS ||
          (*c).get(weight) != simdjson::SUCCESS)
        return bad("a tree whose lists differ in length or kind");
      if (code < -1 || code >= static_cast<std::int64_t>(kModelFeaturesMax) * 2 || child_at < 0 ||
          child_at > static_cast<std::int64_t>(kModelNodesMax))
        return bad("a tree node out of range");
      TreeNode node;
      TRY_ASSIGN(const float stored, single(threshold, "a threshold or leaf value"));
      TRY_ASSIGN(node.cover, single(weight, "a cover"));
      node.leaf = code < 0;
      if (node.leaf) {
        node.value = stored;
      } else {
        node.threshold = stored;
        node.feature = static_cast<std::uint32_t>(code / 2);
        node.missing_left = code % 2 == 1;
        node.left = static_cast<std::uint32_t>(child_at);
      }
      tree.push_back(node);
      ++l, ++v, ++c;
    }
    if (l != left.end() || v != value.end() || c != cover.end())
      return bad("a tree whose lists differ in length or kind");
    return tree;
  }

  Result<> read_calibration(const object& top, Calibration& out) const {
    TRY_ASSIGN(const object from, child(top, "calibration"));
    std::string kind;
    TRY(text(from, "kind", kind));
    TRY(number(from, "slope", out.slope));
    TRY(number(from, "offset", out.offset));
    out.kind = kind == "platt"      ? Calibration::Kind::kPlatt
               : kind == "isotonic" ? Calibration::Kind::kIsotonic
                                    : Calibration::Kind::kNone;
    if (kind_name(out.kind) != kind)
      return error(Errc::kUnsupported, where_, "the calibration '" + kind.substr(0, 40) + "' is not known");
    TRY_ASSIGN(const array points, list(from, "points"));
    for (const element item : points) {
      array pair;
      double margin = 0, p = 0;
      if (out.points.size() >= 100'000) return error(Errc::kTooLarge, where_, "over 100,000 calibration points");
      if (item.get(pair) != simdjson::SUCCESS || pair.at(0).get(margin) != simdjson::SUCCESS ||
          pair.at(1).get(p) != simdjson::SUCCESS)
        return wrong("points", "a list of pairs");
      out.points.emplace_back(margin, p);
    }
    return {};
  }

  Result<> read_thresholds(const object& top, Model& model) const {
    TRY_ASSIGN(const array items, list(top, "thresholds"));
    for (const element item : items) {
      object from;
      if (item.get(from) != simdjson::SUCCESS) return wrong("thresholds", "a list of objects");
      if (model.thresholds.size() >= 1'000) return error(Errc::kTooLarge, where_, "over 1,000 thresholds");
      Threshold t;
      TRY(text(from, "name", t.name));
      TRY(number(from, "probability", t.probability));
      TRY(number(from, "recall", t.recall));
      TRY(number(from, "precision", t.precision));
      TRY(number(from, "false_positive_rate", t.false_positive_rate));
      model.thresholds.push_back(std::move(t));
    }
    return {};
  }

  Result<> read_metrics(const object& top, Model& model) const {
    TRY_ASSIGN(const object from, child(top, "metrics"));
    for (const auto field : from) {
      double value = 0;
      if (field.value.get(value) != simdjson::SUCCESS) return wrong("metrics", "an object of numbers");
      if (model.metrics.size() >= 1'000) return error(Errc::kTooLarge, where_, "over 1,000 metrics");
      model.metrics[std::string(field.key)] = value;
    }
    return {};
  }

  Result<> read_origin(const object& top, ModelOrigin& out) const {
    TRY_ASSIGN(const object from, child(top, "origin"));
    TRY_ASSIGN(const object manifest, child(from, "manifest"));
    DataManifest& m = out.manifest;
    for (const auto& [key, to] :
         std::initializer_list<std::pair<std::string_view, std::string*>>{{"name", &m.name},
                                                                          {"provenance", &m.provenance},
                                                                          {"licence", &m.licence},
                                                                          {"purpose", &m.purpose},
                                                                          {"consent", &m.consent},
                                                                          {"deidentification", &m.deidentification},
                                                                          {"impact_assessment", &m.impact_assessment}})
      TRY(text(manifest, key, *to));
    std::string seed;
    for (const auto& [key, to] :
         std::initializer_list<std::pair<std::string_view, std::string*>>{{"table_digest", &out.table_digest},
                                                                          {"edges_digest", &out.edges_digest},
                                                                          {"label", &out.label},
                                                                          {"split", &out.split},
                                                                          {"trainer", &out.trainer},
                                                                          {"seed", &seed}})
      TRY(text(from, key, *to));
    if (std::from_chars(seed.data(), seed.data() + seed.size(), out.seed).ec != std::errc())
      return wrong("seed", "a whole number");
    TRY(number(from, "rows", out.rows));
    TRY(number(from, "positives", out.positives));
    TRY_ASSIGN(const object parameters, child(from, "parameters"));
    for (const auto field : parameters) {
      if (out.parameters.size() >= 200) return error(Errc::kTooLarge, where_, "over 200 parameters");
      TRY(text(parameters, field.key, out.parameters[std::string(field.key)]));
    }
    return {};
  }

  const std::string& where_;
};

std::string write_body(const Model& model) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().field("name", model.name).key("batch").unsigned_integer(model.batch);
  json.field("change_note", model.change_note).strings("inputs", model.inputs);
  json.key("derived").begin_array();
  for (const Derived& d : model.derived)
    json.begin_object()
        .field("name", d.name)
        .field("kind", name(d.kind))
        .key("a")
        .unsigned_integer(d.a)
        .key("b")
        .unsigned_integer(d.b)
        .end_object();
  json.end_array().key("categories").begin_object();
  for (const auto& [column, words] : model.categories) json.strings(column, words);
  json.end_object().key("base_margin").number(static_cast<double>(model.base_margin));
  write_calibration(json, model.calibration);
  json.key("thresholds").begin_array();
  for (const Threshold& t : model.thresholds)
    json.begin_object()
        .field("name", t.name)
        .key("probability")
        .number(t.probability)
        .key("recall")
        .number(t.recall)
        .key("precision")
        .number(t.precision)
        .key("false_positive_rate")
        .number(t.false_positive_rate)
        .end_object();
  json.end_array().key("metrics").begin_object();
  for (const auto& [key, value] : model.metrics) json.key(key).number(value);
  json.end_object();
  write_origin(json, model.origin);
  json.key("members").begin_array();
  for (const Member& member : model.members) {
    json.begin_array();
    for (const Tree& tree : member.trees) write_tree(json, tree);
    json.end_array();
  }
  json.end_array().end_object();
  return out;
}

struct Head {
  std::string_view version, digest;
  std::uint64_t bytes = 0;
  std::string_view body;
};

std::optional<Head> split_head(std::string_view content) {
  if (!content.starts_with(kMagic)) return std::nullopt;
  const std::size_t end = content.substr(0, 200).find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = content.substr(kMagic.size(), end - kMagic.size());
  const std::size_t first = line.find(' '), second = first == line.npos ? line.npos : line.find(' ', first + 1);
  if (second == line.npos) return std::nullopt;
  Head head{line.substr(0, first), line.substr(first + 1, second - first - 1), 0, content.substr(end + 1)};
  const std::string_view bytes = line.substr(second + 1);
  const auto [stop, code] = std::from_chars(bytes.data(), bytes.data() + bytes.size(), head.bytes);
  if (code != std::errc() || stop != bytes.data() + bytes.size()) return std::nullopt;
  return head;
}

}  // namespace

std::string write_model(const Model& model) {
  const std::string body = write_body(model);
  return fmt::format("{}{} {} {}\n{}", kMagic, kVersion, digest_hex(body), body.size(), body);
}

std::string model_digest(std::string_view content) {
  const auto head = split_head(content);
  return head ? std::string(head->digest) : std::string();
}

Result<Model> read_model(std::string_view content, const std::string& where) {
  if (content.size() > kModelBytesMax) return error(Errc::kTooLarge, where, "a model file is at most 256 MiB");
  const auto head = split_head(content);
  if (!head) return error(Errc::kBadInput, where + ":1", "this is no model file of pandun");
  if (head->version != std::to_string(kVersion))
    return error(Errc::kUnsupported, where + ":1",
                 "model file version " + std::string(head->version.substr(0, 20)) + "; this program reads version 1");
  if (head->bytes != head->body.size())
    return error(Errc::kCorrupt, where + ":1",
                 fmt::format("the file holds {} bytes where its first line says {}", head->body.size(), head->bytes));
  if (digest_hex(head->body) != head->digest)
    return error(Errc::kCorrupt, where + ":1", "the digest does not fit: the file was changed after it was written");
  return Reader(where).read(head->body);
}

}  // namespace pandun::learn
