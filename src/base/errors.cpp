#include <array>
#include <cstdio>
#include <cstdlib>

#include "base/result.h"

namespace pandun {
namespace {

constexpr std::array<ErrorCodeInfo, 14> kErrorCodes{{
    {Errc::kUsage, "usage", 400, 2, "Correct the request; --help or the API page lists what is accepted.",
     "请更正请求；--help 或接口文档列出了可接受的内容。"},
    {Errc::kBadConfig, "bad_config", 500, 3,
     "Mend the configuration or content at the place named, then run 'pandun check'.",
     "请按所示位置修改配置或内容，再运行 pandun check。"},
    {Errc::kBadInput, "bad_input", 422, 4, "The input is not of the stated kind or is damaged; see the place named.",
     "输入与所述类型不符或已损坏；请查看所示位置。"},
    {Errc::kTooOld, "too_old", 409, 4, "The record is behind the watermark.", "该记录早于水位线。"},
    {Errc::kTooLarge, "too_large", 413, 4, "Split it, or raise the bound that the message names.",
     "请拆分，或调高提示中的上限。"},
    {Errc::kNotFound, "not_found", 404, 4, "Check the name or id.", "请检查名称或编号。"},
    {Errc::kConflict, "conflict", 409, 4, "Read it again, then repeat the change.", "请重新读取后再修改。"},
    {Errc::kNotAllowed, "not_allowed", 403, 5, "Ask somebody whose role has this right.",
     "请由具有该权限角色的人员操作。"},
    {Errc::kUnauthenticated, "unauthenticated", 401, 5, "Sign in, or send a valid token.", "请登录或提供有效令牌。"},
    {Errc::kRateLimited, "rate_limited", 429, 6, "Wait for the time named, then try again.",
     "请等待提示的时间后重试。"},
    {Errc::kUnavailable, "unavailable", 503, 6, "Try again later; the state page says what is missing.",
     "请稍后重试；状态页会说明缺少什么。"},
    {Errc::kIo, "io", 503, 6, "Check the disk, path and permissions named.", "请检查所示磁盘、路径和权限。"},
    {Errc::kCorrupt, "corrupt", 500, 6, "Restore from a backup, or let recovery fall back to the one before.",
     "请从备份恢复，或由恢复过程退回上一份。"},
    {Errc::kUnsupported, "unsupported", 422, 4, "Use one of the forms that the message lists.",
     "请使用提示所列的形式之一。"},
}};

}  // namespace

const ErrorCodeInfo& info(Errc code) {
  const auto index = static_cast<std::size_t>(code);
  CHECK(index < kErrorCodes.size() && kErrorCodes[index].code == code);
  return kErrorCodes[index];
}

std::string Error::text() const {
  std::string out;
  if (!where.empty()) out.append(where).append(": ");
  out.append(message).append(" [").append(info(code).name).append("]");
  return out;
}

void check_failed(const char* file, int line, const char* expression, std::string_view context) {
  std::fprintf(stderr, "pandun: internal error at %s:%d: %s %.*s\n", file, line, expression,
               static_cast<int>(context.size()), context.data());
  std::abort();
}

}  // namespace pandun
