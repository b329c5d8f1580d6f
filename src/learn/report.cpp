#include "learn/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace pandun::learn {
namespace {

constexpr double kWide = 360, kHigh = 260, kLeft = 44, kBottom = 34, kTop = 10, kRight = 10;

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out.push_back(static_cast<unsigned char>(c) < 0x20 && c != '\n' ? ' ' : c);
    }
  }
  return out;
}

std::string both(std::string_view en, std::string_view zh) {
  return fmt::format("<span class=\"en\">{}</span><span class=\"zh\">{}</span>", en, zh);
}

std::string figure(double value, int digits = 4) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, digits) : "–";
}

std::string with_interval(const Interval& i) {
  return fmt::format("{} <small>[{} – {}]</small>", figure(i.value), figure(i.low), figure(i.high));
}

double x_of(double share) {
  return kLeft + share * (kWide - kLeft - kRight);
}
double y_of(double share) {
  return kTop + (1 - share) * (kHigh - kTop - kBottom);
}

// Axes from 0 to 1 and whatever stands inside.
std::string plot(std::string_view title_en, std::string_view title_zh, std::string_view x_en, std::string_view x_zh,
                 const std::string& inside, bool grid = true) {
  std::string svg = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\">", kWide, kHigh);
  for (int i = 0; i <= 4 && grid; ++i) {
    const double share = i / 4.0;
    svg += fmt::format(
        "<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\"/>"
        "<line class=\"grid\" x1=\"{3:.1f}\" x2=\"{4:.1f}\" y1=\"{5:.1f}\" y2=\"{5:.1f}\"/>"
        "<text x=\"{0:.1f}\" y=\"{6:.1f}\" text-anchor=\"middle\">{7:.2g}</text>"
        "<text x=\"{8:.1f}\" y=\"{9:.1f}\" text-anchor=\"end\">{7:.2g}</text>",
        x_of(share), y_of(0), y_of(1), x_of(0), x_of(1), y_of(share), y_of(0) + 14, share, x_of(0) - 5,
        y_of(share) + 4);
  }
  svg += inside + "</svg>";
  return fmt::format("<figure><figcaption>{}</figcaption>{}<p class=\"axis\">{}</p></figure>", both(title_en, title_zh),
                     svg, both(x_en, x_zh));
}

std::string line_of(const std::vector<std::pair<double, double>>& points, std::string_view css) {
  std::string path;
  for (const auto& [x, y] : points) path += fmt::format("{:.1f},{:.1f} ", x_of(x), y_of(y));
  return fmt::format("<polyline class=\"{}\" points=\"{}\"/>", css, path);
}

std::vector<std::pair<double, double>> thin(std::vector<std::pair<double, double>> points) {
  constexpr std::size_t kMost = 600;
  if (points.size() <= kMost) return points;
  std::vector<std::pair<double, double>> out;
  for (std::size_t i = 0; i < kMost; ++i) out.push_back(points[i * (points.size() - 1) / (kMost - 1)]);
  return out;
}

std::string roc_plot(const Curve& curve) {
  std::vector<std::pair<double, double>> points{{0, 0}};
  for (const CurvePoint& p : curve.points)
    points.emplace_back(static_cast<double>(p.false_positives) / static_cast<double>(curve.negatives),
                        static_cast<double>(p.true_positives) / static_cast<double>(curve.positives));
  return plot("ROC: recall over false-positive rate", "ROC：召回率与误报率", "false-positive rate", "误报率",
              line_of({{0, 0}, {1, 1}}, "chance") + line_of(thin(std::move(points)), "curve"));
}

std::string pr_plot(const Curve& curve) {
  std::vector<std::pair<double, double>> points;
  for (const CurvePoint& p : curve.points)
    points.emplace_back(
        static_cast<double>(p.true_positives) / static_cast<double>(curve.positives),
        static_cast<double>(p.true_positives) / static_cast<double>(p.true_positives + p.false_positives));
  return plot("Precision over recall", "精确率与召回率", "recall", "召回率", line_of(thin(std::move(points)), "curve"));
}

std::string calibration_plot(const CalibrationFigures& c) {
  std::string dots;
  for (const ReliabilityBin& bin : c.bins)
    dots += fmt::format("<circle class=\"dot\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\"/>", x_of(bin.mean_score),
                        y_of(bin.observed));
  return plot("Calibration: observed share over mean score", "校准：实际占比与平均得分",
              "mean score of a tenth of the rows", "每十分之一行的平均得分",
              line_of({{0, 0}, {1, 1}}, "chance") + dots);
}

std::string histogram_plot(const Evaluation& e) {
  std::uint64_t most = 1;
  for (std::size_t i = 0; i < e.histogram_positive.size(); ++i)
    most = std::max({most, e.histogram_positive[i], e.histogram_negative[i]});
  std::string bars;
  const double bins = static_cast<double>(e.histogram_positive.size());
  // Square-root heights: the rare middle stays visible.
  const auto bar = [&](std::size_t i, std::uint64_t count, double shift, std::string_view css) {
    const double share = std::sqrt(static_cast<double>(count) / static_cast<double>(most));
    bars += fmt::format(
        "<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"><title>{}</title></rect>", css,
        x_of((static_cast<double>(i) + shift) / bins), y_of(share), (x_of(1) - x_of(0)) / bins * 0.42,
        y_of(0) - y_of(share), count);
  };
  for (std::size_t i = 0; i < e.histogram_positive.size(); ++i) {
    bar(i, e.histogram_negative[i], 0.06, "negative");
    bar(i, e.histogram_positive[i], 0.52, "positive");
  }
  return plot("Scores: normal (grey) and fraud (red), square-root heights",
              "得分分布：正常（灰）与涉诈（红），高度取平方根", "score", "得分", bars);
}

std::string importance_plot(const Model& model, const std::vector<double>& importance) {
  std::vector<std::size_t> order(importance.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return importance[a] > importance[b]; });
  order.resize(std::min<std::size_t>(20, order.size()));
  std::string rows;
  const double most = order.empty() ? 1 : std::max(1e-12, importance[order.front()]);
  for (const std::size_t f : order)
    rows += fmt::format(
        "<tr><td>{}</td><td class=\"n\">{:.3f}</td><td class=\"bar\"><i style=\"width:{:.1f}%\"></i></td></tr>",
        escape(model.feature_name(f)), importance[f], importance[f] / most * 100);
  return fmt::format("<h2>{}</h2><table><tr><th>{}</th><th>{}</th><th></th></tr>{}</table>",
                     both("What moves the score", "影响得分的特征"), both("feature", "特征"),
                     both("mean |contribution|, log-odds", "平均贡献（对数几率）"), rows);
}

std::string quality_table(const Evaluation& e) {
  std::string out = fmt::format("<h2>{}</h2><table>", both("Quality, with 95 % intervals", "质量（95 % 置信区间）"));
  const auto row = [&](std::string_view en, std::string_view zh, const std::string& value) {
    out += fmt::format("<tr><td>{}</td><td class=\"n\">{}</td></tr>", both(en, zh), value);
  };
  row("ROC-AUC", "ROC-AUC", with_interval(e.auc));
  row("average precision (PR-AUC)", "平均精确率（PR-AUC）", with_interval(e.average_precision));
  row("macro-F1", "宏平均 F1", with_interval(e.macro_f1));
  row("macro recall", "宏平均召回率", with_interval(e.macro_recall));
  row("G-mean", "G-mean", with_interval(e.g_mean));
  row("recall at 1 % false positives", "误报率 1 % 时的召回率", with_interval(e.recall_fpr_1pct));
  row("recall at 0.1 % false positives", "误报率 0.1 % 时的召回率", with_interval(e.recall_fpr_0_1pct));
  row("recall at 95 % precision", "精确率 95 % 时的召回率", with_interval(e.recall_precision_95));
  row("recall at 99 % precision", "精确率 99 % 时的召回率", with_interval(e.recall_precision_99));
  row("Brier score", "Brier 分数", figure(e.calibration.brier));
  row("calibration error (ECE)", "校准误差（ECE）", figure(e.calibration.expected_error));
  out += fmt::format("</table><h2>{}</h2><table><tr><th></th><th>{}</th><th>{}</th></tr>",
                     both("Confusion at the chosen threshold", "所选阈值下的混淆矩阵"),
                     both("called fraud", "判为涉诈"), both("called normal", "判为正常"));
  out += fmt::format("<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>", both("fraud", "涉诈"),
                     e.confusion.tp, e.confusion.fn);
  out += fmt::format("<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr></table>",
                     both("normal", "正常"), e.confusion.fp, e.confusion.tn);
  return out;
}

std::string price_tables(const Evaluation& e) {
  std::string out = fmt::format(
      "<h2>{}</h2><p>{}</p><table><tr><th>{}</th><th>{}</th><th>{}</th></tr>",
      both("What the same cut is worth where fraud is rarer", "涉诈占比更低时，同一阈值的精确率"),
      both("A score alone may warn or start a re-verification; it may not cut off a line.",
           "单凭得分只能提示或启动复核，不得停机。"),
      both("one fraud in", "每多少个中有一个涉诈"), both("precision at 1 % false positives", "误报率 1 % 时的精确率"),
      both("at 0.1 %", "误报率 0.1 % 时"));
  for (const BaseRateFigure& b : e.base_rates)
    out += fmt::format("<tr><td class=\"n\">{:.0f}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>", b.one_in,
                       figure(b.at_fpr_1pct), figure(b.at_fpr_0_1pct));
  out += fmt::format("</table><h2>{}</h2><table><tr><th>{}</th><th>{}</th><th>{}</th><th>{}</th></tr>",
                     both("The price of false cut-offs", "误停的代价"),
                     both("one false cut-off costs as much as … missed frauds", "一次误停相当于漏掉几个涉诈号码"),
                     both("cheapest cut", "代价最小的阈值"), both("recall", "召回率"),
                     both("false-positive rate", "误报率"));
  for (const CostPoint& c : e.costs)
    out += fmt::format(
        "<tr><td class=\"n\">{:.0f}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
        c.ratio, figure(c.cut), figure(c.recall), figure(c.false_positive_rate, 5));
  out += "</table>";
  if (!e.groups.empty()) {
    out += fmt::format("<h2>{}</h2><table><tr><th>{}</th><th>{}</th><th>{}</th><th>{}</th></tr>",
                       both("Protected groups", "受保护群体"), both("group", "群体"), both("rows", "行数"),
                       both("false-positive rate", "误报率"), both("recall", "召回率"));
    for (const GroupFigure& g : e.groups)
      out += fmt::format("<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
                         escape(g.group), g.rows, with_interval(g.false_positive_rate), with_interval(g.recall));
    out += "</table>";
  }
  if (e.delay)
    out += fmt::format("<h2>{}</h2><p>{}</p>", both("Detection delay", "发现时延"),
                       both(fmt::format("{} of {} found; median {} min, 90 % within {} min; median {} calls",
                                        e.delay->detected, e.delay->entities, figure(e.delay->minutes_median, 1),
                                        figure(e.delay->minutes_p90, 1), figure(e.delay->calls_median, 0)),
                            fmt::format("{} / {} 被发现；中位 {} 分钟，90 % 在 {} 分钟内；中位 {} 次呼叫",
                                        e.delay->detected, e.delay->entities, figure(e.delay->minutes_median, 1),
                                        figure(e.delay->minutes_p90, 1), figure(e.delay->calls_median, 0))));
  return out;
}

std::string fold_table(const Training& training) {
  std::string out = fmt::format(
      "<h2>{}</h2><table><tr><th>{}</th><th>{}</th><th>{}</th><th>AUC</th><th>{}</th><th>macro-F1</th><th>{}</"
      "th><th>{}</th></tr>",
      both("Folds, each judged by models that never saw it", "交叉验证各折"), both("fold", "折"), both("rows", "行数"),
      both("fraud", "涉诈"), both("average precision", "平均精确率"), both("threshold", "阈值"), both("trees", "树"));
  for (const FoldResult& f : training.folds)
    out += fmt::format(
        "<tr><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td "
        "class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
        f.fold + 1, f.rows, f.positives, figure(f.auc), figure(f.average_precision), figure(f.confusion.macro_f1()),
        figure(f.cut), f.trees);
  return out + "</table>";
}

std::string repeats_table(const RepeatedEvaluation& repeats) {
  std::string out = fmt::format("<h2>{}</h2><table><tr><th></th><th>{}</th><th>{}</th><th>{}</th></tr>",
                                both(fmt::format("{} judgings over different folds", repeats.judgings),
                                     fmt::format("{} 次不同划分的评判", repeats.judgings)),
                                both("mean", "平均"), both("spread between judgings", "各次之间的标准差"),
                                both("95 % over rows (bootstrap)", "95 % 区间（按行自助抽样）"));
  for (const RepeatedFigure& f : repeats.figures)
    out += fmt::format(
        "<tr><td><code>{}</code></td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{} – {}</td></tr>",
        f.name, figure(f.mean), figure(f.spread), figure(f.low), figure(f.high));
  return out + "</table>";
}

std::string noise_table(const LabelNoise& noise, const Table* table) {
  std::string out = fmt::format(
      "<h2>{}</h2><p>{}</p>", both("Doubtful labels", "可疑标签"),
      both(fmt::format(
               "{} rows labelled fraud and {} labelled normal look like the other class to models that never saw them.",
               noise.doubtful_positive, noise.doubtful_negative),
           fmt::format("{} 行标为涉诈、{} 行标为正常的，在未见过它们的模型看来更像另一类。", noise.doubtful_positive,
                       noise.doubtful_negative)));
  if (table == nullptr || noise.rows.empty()) return out;
  out += fmt::format("<table><tr><th>id</th><th>{}</th><th>{}</th></tr>", both("label", "标签"), both("score", "得分"));
  for (std::size_t i = 0; i < std::min<std::size_t>(20, noise.rows.size()); ++i)
    out += fmt::format("<tr><td><code>{}</code></td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
                       escape(table->ids[noise.rows[i].row]), noise.rows[i].label, figure(noise.rows[i].probability));
  return out + "</table>";
}

std::string drift_table(const std::vector<Drift>& drift) {
  std::string out = fmt::format(
      "<h2>{}</h2><table><tr><th>{}</th><th>PSI</th><th>KS</th><th>{}</th></tr>",
      both("Drift against the reference table (PSI over 0.25: moved)", "相对参考表的漂移（PSI 大于 0.25 为明显变化）"),
      both("feature", "特征"), both("missing then → now", "缺失率 原 → 现"));
  for (std::size_t i = 0; i < std::min<std::size_t>(20, drift.size()); ++i)
    out += fmt::format("<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{} → {}</td></tr>",
                       escape(drift[i].feature), figure(drift[i].psi), figure(drift[i].ks),
                       figure(drift[i].missing_then, 3), figure(drift[i].missing_now, 3));
  return out + "</table>";
}

std::string origin_table(const Model& model) {
  const ModelOrigin& o = model.origin;
  std::string out = fmt::format("<h2>{}</h2><table>", both("Origin", "来源"));
  const auto row = [&](std::string_view en, std::string_view zh, std::string_view value) {
    out += fmt::format("<tr><td>{}</td><td>{}</td></tr>", both(en, zh), escape(value));
  };
  row("model, batch", "模型、批次", fmt::format("{}, {}", model.name, model.batch));
  row("change note", "变更说明", model.change_note);
  row("data set", "数据集", o.manifest.name);
  row("provenance", "来源", o.manifest.provenance);
  row("licence", "许可", o.manifest.licence);
  row("purpose", "用途", o.manifest.purpose);
  row("consent or ground", "同意或依据", o.manifest.consent);
  row("de-identification", "去标识化", o.manifest.deidentification);
  row("impact assessment", "影响评估", o.manifest.impact_assessment);
  row("table digest (BLAKE2b-256)", "表摘要（BLAKE2b-256）", o.table_digest);
  if (!o.edges_digest.empty()) row("edge list digest", "边表摘要", o.edges_digest);
  row("rows, of them fraud", "行数、其中涉诈", fmt::format("{}, {}", o.rows, o.positives));
  row("split, seed", "划分、种子", fmt::format("{}, {}", o.split, o.seed));
  row("trainer", "训练库", o.trainer);
  std::string parameters;
  for (const auto& [key, value] : o.parameters) parameters += key + "=" + value + " ";
  row("parameters", "参数", parameters);
  row("trees, nodes, members", "树、节点、成员",
      fmt::format("{}, {}, {}", model.trees(), model.nodes(), model.members.size()));
  return out + "</table>";
}

constexpr std::string_view kStyle = R"(<style>
body{font:15px/1.5 system-ui,"Noto Sans CJK SC",sans-serif;margin:2em auto;max-width:1120px;padding:0 1em;color:#1d2330;background:#fff}
h1{font-size:1.5em}h2{font-size:1.1em;margin-top:2em}table{border-collapse:collapse}td,th{padding:3px 12px 3px 0;border-bottom:1px solid #dde1e8;text-align:left;vertical-align:top;overflow-wrap:anywhere}
.n{text-align:right;font-variant-numeric:tabular-nums}small{color:#5b6472}figure{display:inline-block;width:360px;margin:0 16px 16px 0;vertical-align:top}
figcaption{font-weight:600}svg{width:100%}svg text{font-size:10px;fill:#5b6472}.axis{margin:0;text-align:center;font-size:12px;color:#5b6472}.grid{stroke:#e6e9ef}
.curve{fill:none;stroke:#1f5fbf;stroke-width:2}.chance{fill:none;stroke:#9aa3b2;stroke-dasharray:4 4}.dot{fill:#1f5fbf}.negative{fill:#9aa3b2}.positive{fill:#c2352b}
.bar{width:260px}.bar i{display:block;height:12px;background:#1f5fbf;margin-top:5px}
#zh:checked~main .en,#en:checked~main .zh{display:none}
</style>)";

}  // namespace

std::string html_report(const ReportInput& input) {
  CHECK(input.model != nullptr && input.evaluation != nullptr);
  const Evaluation& e = *input.evaluation;
  std::string out =
      "<!doctype html><html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><title>" + escape(input.title) + "</title>";
  out += kStyle;
  out +=
      "</head><body><input type=\"radio\" name=\"language\" id=\"zh\" checked><label for=\"zh\">中文</label> "
      "<input type=\"radio\" name=\"language\" id=\"en\"><label for=\"en\">English</label><main>";
  out += fmt::format("<h1>{}</h1><p>{}</p>", escape(input.title), escape(input.made_at));
  if (e.curve.positives > 0 && e.curve.negatives > 0)
    out += roc_plot(e.curve) + pr_plot(e.curve) + calibration_plot(e.calibration) + histogram_plot(e);
  out += quality_table(e) + price_tables(e);
  if (input.repeats != nullptr) out += repeats_table(*input.repeats);
  if (input.training != nullptr && !input.training->folds.empty()) out += fold_table(*input.training);
  if (input.training != nullptr) out += importance_plot(*input.model, input.training->importance);
  if (input.noise != nullptr) out += noise_table(*input.noise, input.table);
  if (input.drift != nullptr) out += drift_table(*input.drift);
  out += origin_table(*input.model) + "</main></body></html>\n";
  return out;
}

}  // namespace pandun::learn
