#include "casework/identities.h"

namespace pandun::casework {

std::optional<IdentityForm> parse_identity_form(std::string_view text) {
  if (text == "masked") return IdentityForm::kMasked;
  if (text == "token") return IdentityForm::kToken;
  if (text == "clear") return IdentityForm::kClear;
  return std::nullopt;
}

model::ShownEntity TokenIdentities::show(const model::Entity& entity, EventMs at) const {
  model::ShownEntity shown;
  shown.kind = entity.kind;
  if (!guard::is_personal(entity.kind)) {
    shown.value = entity.value;
    return shown;
  }
  shown.token = tokens_.of(entity, guard::year_of(at));
  const bool number = entity.kind == model::EntityKind::kNumber;
  if (number && notes_ != nullptr) shown.note = notes_->note(entity.number);
  switch (form_) {
    case IdentityForm::kClear:
      shown.value = entity.value;
      break;
    case IdentityForm::kToken:
      shown.value = shown.token;
      break;
    case IdentityForm::kMasked:
      shown.value = number ? guard::mask_number(entity.number) : guard::mask_device(entity.value);
      break;
  }
  return shown;
}

}  // namespace pandun::casework
