#include "casework/words.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <vector>

namespace pandun::casework {
namespace {

using model::Evidence;
using model::LocalText;

constexpr std::size_t kItemsMax = 4;

// At most `digits` after the point, none of them a closing zero. Far beyond counting, three figures and a power.
std::string plain(double value, int digits) {
  if (std::abs(value) >= 1e15) return fmt::format("{:.3g}", value);
  std::string out = fmt::format("{:.{}f}", value, digits);
  if (out.find('.') != std::string::npos) {
    while (out.back() == '0') out.pop_back();
    if (out.back() == '.') out.pop_back();
  }
  return out == "-0" ? "0" : out;
}

// Small fractions keep the figures that make them differ from nothing.
std::string number(double value) {
  return std::abs(value) < 0.01 && value != 0 ? fmt::format("{:.2g}", value) : plain(value, 2);
}

struct Scale {
  double from, size;
  std::string_view zh, en;
};
constexpr std::array<Scale, 4> kTimes{
    {{2 * 86400, 86400, "天", "d"}, {2 * 3600, 3600, "小时", "h"}, {120, 60, "分钟", "min"}, {0, 1, "秒", "s"}}};
constexpr std::array<Scale, 4> kSizes{
    {{1e9, 1e9, "GB", "GB"}, {1e6, 1e6, "MB", "MB"}, {1e3, 1e3, "kB", "kB"}, {0, 1, "字节", "bytes"}}};

LocalText scaled(double value, const std::array<Scale, 4>& scales) {
  for (const Scale& scale : scales) {
    if (std::abs(value) < scale.from) continue;
    const double in_it = value / scale.size;
    const std::string text = plain(in_it, std::abs(in_it) >= 100 ? 0 : 1);
    return {text + " " + std::string(scale.zh), text + " " + std::string(scale.en)};
  }
  return {number(value), number(value)};
}

LocalText quantity(double value, const std::string& unit, const FeatureWord& word) {
  if (!std::isfinite(value)) return {"未知", "unknown"};
  if (unit == "ratio") return {plain(value * 100, 1) + "%", plain(value * 100, 1) + " %"};
  if (unit == "s") return scaled(value, kTimes);
  if (unit == "bytes") return scaled(value, kSizes);
  const std::string text = number(value);
  const auto with = [&text](const std::string& shown) { return shown.empty() ? text : text + " " + shown; };
  if (word.title.en.empty()) return {with(unit), with(unit)};
  // "calls made in 1 h: 120" needs no further "calls".
  const bool said = word.title.en.find(word.unit.en) != std::string::npos;
  return {with(word.unit.zh), said ? text : with(word.unit.en)};
}

LocalText sentence_part(const Evidence& item, const FeatureWord& word) {
  const std::string zh = word.title.zh.empty() ? item.feature : word.title.zh;
  const std::string en = word.title.en.empty() ? item.feature : word.title.en;
  if (word.statement) return {zh, en};
  const LocalText value = quantity(item.value, item.unit, word), threshold = quantity(item.threshold, item.unit, word);
  constexpr std::array<std::string_view, 3> kZh{"阈值", "至少", "至多"}, kEn{"threshold", "at least", "at most"};
  const auto bound = static_cast<std::size_t>(word.bound);
  return {fmt::format("{} {}（{} {}）", zh, value.zh, kZh[bound], threshold.zh),
          fmt::format("{}: {} ({} {})", en, value.en, kEn[bound], threshold.en)};
}

// Detectors give their most telling evidence first; what was not compared with anything explains nothing.
std::vector<LocalText> telling(const model::Alert& alert, const FeatureWords* words) {
  std::vector<LocalText> measured, stated;
  for (const Evidence& item : alert.evidence) {
    if (item.threshold == 0 || item.unit == "nats") continue;  // a log-likelihood tells a reader nothing
    const FeatureWord word = words != nullptr ? words->word(item.feature) : FeatureWord{};
    (word.statement ? stated : measured).push_back(sentence_part(item, word));
  }
  if (stated.size() > 1) stated.resize(1);
  if (measured.size() + stated.size() > kItemsMax) measured.resize(kItemsMax - stated.size());
  measured.insert(measured.end(), stated.begin(), stated.end());
  return measured;
}

}  // namespace

LocalText why_of(const model::Alert& alert, const FeatureWords* words) {
  LocalText items;
  for (const LocalText& item : telling(alert, words)) {
    items.zh += (items.zh.empty() ? "" : "；") + item.zh;
    items.en += (items.en.empty() ? "" : "; ") + item.en;
  }
  LocalText out{alert.title.zh + "。", alert.title.en + "."};
  if (!items.zh.empty()) {
    out.zh += "依据：" + items.zh + "。";
    out.en += " Grounds: " + items.en + ".";
  }
  if (alert.signals > 1) {
    out.zh += fmt::format("期间共报告 {} 次。", alert.signals);
    out.en += fmt::format(" Reported {} times so far.", alert.signals);
  }
  return out;
}

}  // namespace pandun::casework
