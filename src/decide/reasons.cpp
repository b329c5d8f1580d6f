#include "decide/reasons.h"

#include <array>

namespace pandun::decide {
namespace {

constexpr std::array<std::string_view, 3> kVerdicts{"allow", "warn", "reject"};
constexpr std::array<std::string_view, 6> kBases{"none", "fact", "measure", "callee", "policy", "finding"};

using enum Basis;
constexpr std::array<ReasonInfo, kReasons> kTable{{
    {"clear", "未发现问题", "nothing speaks against it", kNone},
    {"no_snapshot", "判定数据尚未就绪，按默认放行", "no decision data yet; allowed by default", kNone},
    {"number_withheld", "主叫未显示号码，不予处置", "the caller's number is withheld; not touched", kNone},
    {"emergency", "紧急或公益号码，任何情况下不处置", "an emergency number; never touched", kNone},
    {"protected", "受保护号码，不因线索提醒", "a protected number; no warning on a mere finding", kNone},
    {"measure_in_force", "该号码有经审批的在效措施", "an approved measure is in force for the caller", kMeasure},
    {"number_cannot_exist", "主叫号码不可能存在", "a number that cannot exist", kFact},
    {"international_trunk_domestic_caller", "国际中继呈现境内固定或服务号码",
     "an international trunk presents a domestic fixed or service number", kFact},
    {"blocked_by_callee", "被叫用户已屏蔽该号码", "the called person blocks this number", kCallee},
    {"alert_open", "该号码有未核结的告警，仅提醒", "an alert on the caller is open; a warning only", kFinding},
    {"callee_blocks_abroad", "被叫用户已关闭境外来话或境外短信", "the called person takes nothing from abroad",
     kCallee},
    {"international_trunk_not_roaming", "国际中继呈现未在境外漫游的境内手机号",
     "an international trunk presents a mobile that is not abroad", kFact},
    {"caller_form_impossible", "主叫号码形式在该中继上不可能出现", "a form of number that this trunk cannot carry",
     kFact},
    {"own_number", "主被叫为同一号码", "the number calls itself from outside its network", kFact},
    {"do_not_originate", "该号码从不外呼（防冒用名单）", "a number that never originates", kFact},
    {"list_entry", "该号码在经审批的在效名单中", "the caller stands in an approved list in force", kMeasure},
    {"diverting_measure_in_force", "转接方号码有经审批的在效措施",
     "an approved measure is in force for the number that forwarded the call", kMeasure},
    {"policy_hold", "按两人审批的策略短时暂缓", "held briefly under a policy that two people approved", kPolicy},
    {"policy_warn", "呼叫频次超过策略阈值，仅提醒", "the rate exceeds a policy; a warning only", kFinding},
    {"score", "模型评分较高，仅提醒", "a model's score is high; a warning only", kFinding},
    {"labelled", "该号码被标记，仅提醒", "the number is marked; a warning only", kFinding},
    {"roaming_unknown", "国际中继呈现境内手机号，漫游状态不明，放行并提醒",
     "a domestic mobile from abroad, roaming unknown; allowed with a warning", kFinding},
    {"identity_failed", "主叫签名校验未通过，仅提醒", "the caller's signature does not verify; a warning only",
     kFinding},
    {"foreign_caller", "境外来电提醒", "a call from abroad; a reminder", kFinding},
    {"deadline", "未能及时判定，按默认放行", "not decided in time; allowed by default", kNone},
    {"identity_required", "该中继只接受已签名主叫，签名缺失或无效",
     "the trunk takes signed callers only; the signature is missing or wrong", kFact},
}};

}  // namespace

std::string_view name(Verdict verdict) {
  return kVerdicts[static_cast<std::size_t>(verdict)];
}
std::string_view name(Basis basis) {
  return kBases[static_cast<std::size_t>(basis)];
}
const ReasonInfo& info(Reason reason) {
  return kTable[static_cast<std::size_t>(reason)];
}
std::string_view name(Reason reason) {
  return info(reason).name;
}
std::optional<Reason> parse_reason(std::string_view text) {
  for (std::size_t i = 0; i < kReasons; ++i) {
    if (kTable[i].name == text) return static_cast<Reason>(i);
  }
  return std::nullopt;
}

}  // namespace pandun::decide
