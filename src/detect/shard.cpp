#include "detect/shard.h"

#include <optional>

namespace pandun::detect {
namespace {

constexpr unsigned kStages = 3, kHostStages = 5;  // pointers followed ahead of time, one after the other
constexpr std::size_t kAhead = 96;                // work items whose memory is fetched before the first of them runs

NumberContact contact_of(const model::Call& call, EventMs time, bool outgoing) {
  return {time,
          outgoing ? call.callee : call.caller,
          outgoing,
          false,
          call.answered,
          call.duration_s,
          outgoing ? call.caller_device : std::string_view{},
          outgoing ? call.caller_cell : call.callee_cell,
          call.international,
          outgoing && call.roaming};
}

NumberContact contact_of(const model::Message& message, EventMs time, bool outgoing) {
  return {time,
          outgoing ? message.recipient : message.sender,
          outgoing,
          true,
          model::Answered::kUnknown,
          -1,
          outgoing ? message.sender_device : std::string_view{},
          outgoing ? message.sender_cell : std::string_view{},
          message.international,
          false};
}

model::EntityKey cell_key(std::string_view cell) {
  return model::key_of_text(cell);
}

// Where one side of a call or message was: hashed once for all who ask.
struct Place {
  model::EntityKey device, cell;
  std::uint64_t device_hash = 0, cell_hash = 0;  // 0 = not told
};

// The text that a device's or cell's item is about.
std::string_view place_of(const model::Event& event, const WorkItem& item) {
  const bool device = item.target == WorkItem::kDeviceOut || item.target == WorkItem::kDeviceIn;
  const bool in = item.target == WorkItem::kDeviceIn || item.target == WorkItem::kCellIn;
  if (event.kind() == model::EventKind::kMessage) {
    const auto& message = event.as<model::Message>();
    return device ? message.sender_device : message.sender_cell;
  }
  const auto& call = event.as<model::Call>();
  if (in) return device ? call.callee_device : call.callee_cell;
  return device ? call.caller_device : call.caller_cell;
}

HostContact host_contact_of(const model::Event& event) {
  switch (event.kind()) {
    case model::EventKind::kFlow:
      return detect::contact_of(event.as<model::Flow>(), event.time);
    case model::EventKind::kDns:
      return detect::contact_of(event.as<model::Dns>(), event.time);
    default:
      return detect::contact_of(event.as<model::Login>(), event.time);
  }
}

}  // namespace

std::vector<std::unique_ptr<Detector>> make_detectors(const EngineConfig& config) {
  std::vector<std::unique_ptr<Detector>> out;
  for (const EngineConfig::Part& p : config.detectors) out.push_back(p.part.make(p.options));
  return out;
}

// ---- router ----

Router::Router(const EngineConfig& config, std::span<const std::unique_ptr<Detector>> detectors) {
  for (std::size_t d = 0; d < detectors.size(); ++d) {
    detectors_.push_back(detectors[d].get());
    for (const model::EventKind kind : config.detectors[d].part.spec().reads)
      by_kind_[static_cast<std::size_t>(kind)].push_back(static_cast<std::uint16_t>(d));
    detectors_want_devices_ |= config.detectors[d].part.spec().wants_devices;
    detectors_want_cells_ |= config.detectors[d].part.spec().wants_cells;
  }
  use(nullptr);
}

void Router::use(const RuleSet* rules) {
  wants_devices_ = detectors_want_devices_ || (rules != nullptr && !rules->devices().empty());
  wants_cells_ = detectors_want_cells_ || (rules != nullptr && !rules->cells().empty());
}

void Router::add_places(const model::Event& event, std::uint32_t index, std::span<std::vector<WorkItem>> work) {
  const auto place = [&](std::string_view device, std::string_view cell) {
    const model::EntityKey device_entity = device.empty() ? model::EntityKey{} : device_key(device);
    const model::EntityKey cell_entity = cell.empty() ? model::EntityKey{} : cell_key(cell);
    return Place{device_entity, cell_entity, device.empty() ? 0 : hash_of(device_entity),
                 cell.empty() ? 0 : hash_of(cell_entity)};
  };
  const auto device = [&](const Place& p, std::uint16_t target) {
    if (wants_devices_ && p.device_hash != 0)
      add({model::EntityKind::kDevice, 0, p.device}, p.device_hash, index, target, work, p.cell_hash);
  };
  const auto cell = [&](const Place& p, std::uint16_t target) {
    if (wants_cells_ && p.cell_hash != 0)
      add({model::EntityKind::kCell, 0, p.cell}, p.cell_hash, index, target, work, p.device_hash);
  };
  if (event.kind() == model::EventKind::kCall) {
    const auto& call = event.as<model::Call>();
    const Place out = place(call.caller_device, call.caller_cell), in = place(call.callee_device, call.callee_cell);
    device(out, WorkItem::kDeviceOut);
    device(in, WorkItem::kDeviceIn);
    cell(out, WorkItem::kCellOut);
    cell(in, WorkItem::kCellIn);
  } else if (event.kind() == model::EventKind::kMessage) {
    const auto& message = event.as<model::Message>();
    const Place out = place(message.sender_device, message.sender_cell);
    device(out, WorkItem::kDeviceOut);
    cell(out, WorkItem::kCellOut);
  }
}

void Router::add(const RoutedKey& key, std::uint64_t hash, std::uint32_t index, std::uint16_t target,
                 std::span<std::vector<WorkItem>> work, std::uint64_t beside) {
  const std::size_t shard = work.size() == 1 ? 0 : shard_of(hash, static_cast<std::uint32_t>(work.size()));
  work[shard].push_back(WorkItem{hash, beside, key, index, target, ordinal_++});
}

void Router::route(const model::Event& event, std::uint32_t index, std::span<std::vector<WorkItem>> work) {
  ordinal_ = 0;
  const auto number = [&](model::NumberKey key, std::uint16_t target) {
    if (!key.known()) return;  // all who withhold their number are not one number
    const model::EntityKey entity = model::key_of(key);
    add({model::EntityKind::kNumber, 0, entity}, hash_of(entity), index, target, work);
  };
  const auto host = [&](const model::IpAddress& ip) {
    if (ip.known()) add({model::EntityKind::kIp, 0, model::key_of(ip)}, hash_of(ip), index, WorkItem::kHost, work);
  };
  switch (event.kind()) {
    case model::EventKind::kCall:
      number(event.as<model::Call>().caller, WorkItem::kNumberOut);
      number(event.as<model::Call>().callee, WorkItem::kNumberIn);
      break;
    case model::EventKind::kMessage:
      number(event.as<model::Message>().sender, WorkItem::kNumberOut);
      number(event.as<model::Message>().recipient, WorkItem::kNumberIn);
      break;
    case model::EventKind::kFlow:
      host(event.as<model::Flow>().src);
      break;
    case model::EventKind::kDns:
      host(event.as<model::Dns>().client);
      break;
    case model::EventKind::kLogin:
      host(event.as<model::Login>().client);
      break;
    default:
      break;
  }
  if (wants_devices_ || wants_cells_) add_places(event, index, work);
  for (const std::uint16_t d : by_kind_[static_cast<std::size_t>(event.kind())]) {
    keys_.clear();
    detectors_[d]->route(event, keys_);
    for (const RoutedKey& key : keys_) add(key, hash_of(key.key), index, d, work);
  }
}

// ---- shard ----

class Shard::ShardContext final : public Context {
 public:
  ShardContext(Shard& shard, std::vector<FoundSignal>& found) : shard_(shard), found_(found) {}

  void begin(const model::Event& event) {
    event_ = &event;
    views_ = 0;
    host_view_.reset();
    place_.reset();
    cell_place_.reset();
    dialling_.reset();
  }
  void show(const WorkItem& item) { item_ = &item; }

  const Ports& ports() const override { return shard_.ports_; }
  const NumberActivity* number() const override {
    return item_->key.kind == model::EntityKind::kNumber ? number(*item_) : nullptr;
  }
  const HostActivity* host() const override {
    return item_->key.kind == model::EntityKind::kIp ? host(*item_) : nullptr;
  }

  const DeviceActivity* device() const override {
    return item_->key.kind == model::EntityKind::kDevice ? device(*item_) : nullptr;
  }
  const CellActivity* cell() const override {
    return item_->key.kind == model::EntityKind::kCell ? cell(*item_) : nullptr;
  }
  const DiallingActivity* dialling() const override {
    return item_->key.kind == model::EntityKind::kNumber ? dialling(*item_) : nullptr;
  }

  const DeviceActivity* device(const WorkItem& item) const {
    const DeviceRecord* record = shard_.devices_->find(item.key.key, item.hash, event_->watermark);
    if (record == nullptr) return nullptr;
    place_.emplace(*shard_.devices_, *record);
    return &*place_;
  }
  const CellActivity* cell(const WorkItem& item) const {
    const CellRecord* record = shard_.cells_->find(item.key.key, item.hash, event_->watermark);
    if (record == nullptr) return nullptr;
    cell_place_.emplace(*shard_.cells_, *record);
    return &*cell_place_;
  }
  const DiallingActivity* dialling(const WorkItem& item) const {
    const model::NumberKey key = model::NumberKey::from_bits(item.key.key.lo);
    const DialRecord* record = shard_.dialling_->find(key, item.hash, event_->watermark);
    const NumberActivity* activity = record == nullptr ? nullptr : number(item);
    if (activity == nullptr) return nullptr;
    dialling_.emplace(*record, activity->newest());
    return &*dialling_;
  }

  // A number's or host's view lives for the event, so that rules and detectors share what it has worked out.
  const NumberActivity* number(const WorkItem& item) const {
    const model::NumberKey key = model::NumberKey::from_bits(item.key.key.lo);
    for (std::size_t i = 0; i < views_; ++i)
      if (number_views_[i]->number() == key) return &*number_views_[i];
    const NumberRecord* record = shard_.numbers_->find(key, item.hash, event_->watermark);
    if (record == nullptr) return nullptr;
    std::optional<NumberActivity>& view = number_views_[views_ < kViews ? views_++ : kViews - 1];
    view.emplace(*shard_.numbers_, *record, key);
    return &*view;
  }
  const HostActivity* host(const WorkItem& item) const {
    const model::IpAddress ip{item.key.key.hi, item.key.key.lo};
    if (host_view_.has_value() && host_view_->host() == ip) return &*host_view_;
    const HostRecord* record = shard_.hosts_->find(ip, item.hash, event_->watermark);
    if (record == nullptr) return nullptr;
    host_view_.emplace(*shard_.hosts_, *record, ip);
    return &*host_view_;
  }

  void emit(model::Signal signal) override {
    const DetectorSpec& spec = shard_.config_.detectors[item_->target].part.spec();
    if (signal.detector.empty()) signal.detector = spec.name;
    if (signal.topic.empty()) signal.topic = spec.topic;
    if (signal.title.zh.empty()) signal.title.zh = spec.title_zh;
    if (signal.title.en.empty()) signal.title.en = spec.title_en;
    ++shard_.signals_[item_->target];
    finish(std::move(signal), false);
  }
  void finish(model::Signal signal, bool shadow) {
    signal.position = event_->position;
    if (signal.first.ms == 0 && signal.last.ms == 0) signal.first = signal.last = event_->time;
    if (signal.records.empty()) signal.records.push_back({event_->source, event_->record});
    found_.push_back({std::move(signal), item_->ordinal, shadow});
  }

 private:
  static constexpr std::size_t kViews = 4;
  Shard& shard_;
  std::vector<FoundSignal>& found_;
  const model::Event* event_ = nullptr;
  const WorkItem* item_ = nullptr;
  mutable std::optional<NumberActivity> number_views_[kViews];
  mutable std::optional<HostActivity> host_view_;
  mutable std::optional<DeviceActivity> place_;
  mutable std::optional<CellActivity> cell_place_;
  mutable std::optional<DiallingActivity> dialling_;
  mutable std::size_t views_ = 0;
};

namespace {
NumberOptions number_options(const EngineConfig& config) {
  NumberOptions out = config.numbers;
  out.listed_most /= std::max(1U, config.shards);
  CHECK(out.busy_from >= 16 && out.busy_from <= 512);
  return out;
}
}  // namespace

Shard::Shard(const EngineConfig& config)
    : config_(config),
      numbers_(std::make_unique<NumberActivities>(number_options(config))),
      hosts_(std::make_unique<HostActivities>(config.hosts)),
      devices_(std::make_unique<DeviceActivities>(config.numbers.local_offset)),
      cells_(std::make_unique<CellActivities>(config.numbers.local_offset)),
      dialling_(std::make_unique<DiallingActivities>()),
      detectors_(make_detectors(config)),
      ports_(config.ports),
      signals_(config.detectors.size()) {
  for (const auto& detector : detectors_) prefetch_stages_.push_back(detector->prefetch_stages());
  for (const EngineConfig::Part& p : config.detectors) {
    detectors_want_devices_ |= p.part.spec().wants_devices;
    detectors_want_cells_ |= p.part.spec().wants_cells;
    detectors_want_dialling_ |= p.part.spec().wants_dialling;
  }
  rules_.use(config.rules);
  wants_dialling_ = detectors_want_dialling_ || rules_.wants_dialling();
}
Shard::~Shard() = default;

// What nobody wanted until now, or wants no more, begins empty: it stood still, and would be wrong.
void Shard::use(std::shared_ptr<const RuleSet> rules) {
  const bool had_devices = detectors_want_devices_ || rules_.wants_devices();
  const bool had_cells = detectors_want_cells_ || rules_.wants_cells();
  rules_.use(std::move(rules));
  const bool devices = had_devices && (detectors_want_devices_ || rules_.wants_devices());
  const bool cells = had_cells && (detectors_want_cells_ || rules_.wants_cells());
  if (!devices && devices_->size() != 0) devices_ = std::make_unique<DeviceActivities>(config_.numbers.local_offset);
  if (!cells && cells_->size() != 0) cells_ = std::make_unique<CellActivities>(config_.numbers.local_offset);
  const bool had_dialling = wants_dialling_;
  wants_dialling_ = detectors_want_dialling_ || rules_.wants_dialling();
  if (!(had_dialling && wants_dialling_) && dialling_->size() != 0) dialling_ = std::make_unique<DiallingActivities>();
}

void Shard::run(std::span<const model::Event> events, std::span<const WorkItem> items,
                std::vector<FoundSignal>& found) {
  ShardContext context(*this, found);
  std::size_t at = 0;
  while (at < items.size()) {
    std::size_t end = std::min(items.size(), at + kAhead);
    while (end < items.size() && items[end].event == items[end - 1].event) ++end;         // whole events only
    const unsigned stages = items[at].target == WorkItem::kHost ? kHostStages : kStages;  // sources come in runs
    for (unsigned stage = 0; stage < stages; ++stage)
      for (const WorkItem& item : items.subspan(at, end - at)) prefetch(events[item.event], item, stage);
    while (at < end) {
      const std::uint32_t index = items[at].event;
      std::size_t next = at + 1;
      while (next < end && items[next].event == index) ++next;
      run_event(events[index], items.subspan(at, next - at), context);
      at = next;
    }
  }
}

void Shard::prefetch(const model::Event& event, const WorkItem& item, unsigned stage) const {
  if (!item.activity()) {
    if (stage < prefetch_stages_[item.target]) detectors_[item.target]->prefetch_event(event, item.key, stage);
  } else if (item.target > WorkItem::kHost) {
    const bool device = item.target <= WorkItem::kDeviceIn;
    if (stage < 2) return device ? devices_->prefetch(item.hash, stage) : cells_->prefetch(item.hash, stage);
    if (device)
      devices_->prefetch_more(item.key.key, item.hash);
    else
      cells_->prefetch_more(item.key.key, item.hash);
  } else if (item.target != WorkItem::kHost) {
    if (stage < 2) return numbers_->prefetch(item.hash, stage);
    if (stage == 2) numbers_->prefetch_more(model::NumberKey::from_bits(item.key.key.lo), item.hash);
  } else {
    if (stage < 2) return hosts_->prefetch(item.hash, stage);
    hosts_->prefetch({item.key.key.hi, item.key.key.lo}, item.hash, host_contact_of(event), stage);
  }
}

void Shard::run_event(const model::Event& event, std::span<const WorkItem> items, ShardContext& context) {
  if (event.watermark >= evict_at_) evict(event.watermark);
  std::size_t counted = 0;
  std::uint32_t wanted = 0;
  while (counted < items.size() && items[counted].activity()) {
    if (count(event, items[counted])) wanted |= 1U << counted;
    ++counted;
  }
  context.begin(event);
  if (wants_dialling_) {
    for (std::size_t i = 0; i < counted && items[i].target <= WorkItem::kNumberIn; ++i)
      count_dialling(event, items[i], context);
  }
  if (wanted != 0 && rules_.rules() != nullptr) ask_rules(event, items.first(counted), wanted, context);
  for (std::size_t i = counted; i < items.size(); ++i) {
    context.show(items[i]);
    detectors_[items[i].target]->on_event(event, items[i].key, context);
  }
}

void Shard::ask_rules(const model::Event& event, std::span<const WorkItem> items, std::uint32_t wanted,
                      ShardContext& context) {
  const auto same = [&](std::size_t a, std::size_t b) {
    return b < items.size() && items[a].key.key == items[b].key.key && items[a].key.kind == items[b].key.kind;
  };
  std::vector<model::Signal> live, shadow;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const WorkItem& item = items[i];
    // A number that called itself, a call within one cell: asked once, when both sides are counted.
    if (i > 0 && same(i - 1, i)) continue;
    if ((wanted >> i & 1U) == 0 && !(same(i, i + 1) && (wanted >> (i + 1) & 1U) != 0)) continue;
    context.show(item);
    switch (item.target) {
      case WorkItem::kHost:
        if (rules_.wants_hosts()) rules_.on_host(event, *context.host(item), ports_, live, shadow);
        break;
      case WorkItem::kNumberOut:
      case WorkItem::kNumberIn:
        if (rules_.wants_numbers())
          rules_.on_number(event, *context.number(item), rules_.wants_dialling() ? context.dialling(item) : nullptr,
                           item.target == WorkItem::kNumberOut, ports_, live, shadow);
        break;
      case WorkItem::kDeviceOut:
      case WorkItem::kDeviceIn:
        if (const DeviceActivity* device = rules_.wants_devices() ? context.device(item) : nullptr; device != nullptr)
          rules_.on_device(event, item.key.key, place_of(event, item), *device, ports_, live, shadow);
        break;
      default:
        if (rules_.wants_cells())
          rules_.on_cell(event, item.key.key, place_of(event, item), *context.cell(item), ports_, live, shadow);
    }
    rule_signals_ += live.size();
    shadow_signals_ += shadow.size();
    for (model::Signal& s : live) context.finish(std::move(s), false);
    for (model::Signal& s : shadow) context.finish(std::move(s), true);
    live.clear();
    shadow.clear();
  }
}

// A call out at pace goes into the number's dialling record; who comes in is remembered where there is one.
void Shard::count_dialling(const model::Event& event, const WorkItem& item, const ShardContext& context) {
  const model::NumberKey number = model::NumberKey::from_bits(item.key.key.lo);
  const bool call = event.kind() == model::EventKind::kCall;
  if (item.target == WorkItem::kNumberIn) {
    if (dialling_->size() == 0) return;
    const model::NumberKey from = call ? event.as<model::Call>().caller : event.as<model::Message>().sender;
    return dialling_->hear(number, item.hash, from, event.time, event.watermark);
  }
  if (!call) return;
  const NumberActivity& activity = *context.number(item);
  if (activity.fewer_than(kDialPace, Window::k1h) || activity.calls_out(Window::k1h) < kDialPace) return;
  const auto& out = event.as<model::Call>();
  dialling_->update(number, item.hash, out, event.time, event.watermark, ports_.numbers->suspected(out.callee),
                    ports_.cells->place(out.caller_cell));
}

bool Shard::count_place(const model::Event& event, const WorkItem& item) {
  const bool in = item.target == WorkItem::kDeviceIn || item.target == WorkItem::kCellIn;
  if (item.target <= WorkItem::kDeviceIn) {
    DeviceContact contact{event.time, kDeviceMessage, {}, {},    model::Answered::kUnknown,
                          -1,         item.beside,    -1, false, false};
    if (event.kind() == model::EventKind::kMessage) {
      contact.number = event.as<model::Message>().sender;
      contact.peer = event.as<model::Message>().recipient;
      contact.international = event.as<model::Message>().international;
    } else {
      const auto& c = event.as<model::Call>();
      contact.kind = in ? kDeviceCallIn : kDeviceCallOut;
      contact.number = in ? c.callee : c.caller;
      contact.peer = in ? c.caller : c.callee;
      contact.answered = c.answered;
      contact.talk_s = c.duration_s;
      contact.ring_s = c.ring_s;
      contact.international = c.international;
      contact.roaming = c.roaming;
    }
    const DeviceRecord* record = devices_->update(item.key.key, item.hash, contact, event.watermark);
    return record != nullptr && rules_.wants_devices() && rules_.may_hold(DeviceActivity(*devices_, *record));
  }
  CellVisit visit{event.time, CellContact::kMessages, {}, item.beside, false, false, model::Answered::kUnknown, -1};
  if (event.kind() == model::EventKind::kMessage) {
    visit.number = event.as<model::Message>().sender;
    visit.international = event.as<model::Message>().international;
  } else {
    const auto& c = event.as<model::Call>();
    visit.kind = in ? CellContact::kCallsIn : CellContact::kCallsOut;
    visit.number = in ? c.callee : c.caller;
    visit.international = c.international;
    visit.roaming = c.roaming;
    visit.answered = c.answered;
    visit.talk_s = c.duration_s;
  }
  const CellRecord& record = cells_->update(item.key.key, item.hash, visit, event.watermark);
  return rules_.wants_cells() && rules_.may_hold(CellActivity(*cells_, record));
}

bool Shard::count(const model::Event& event, const WorkItem& item) {
  if (item.target > WorkItem::kHost) return count_place(event, item);
  if (item.target != WorkItem::kHost) {
    const model::NumberKey key = model::NumberKey::from_bits(item.key.key.lo);
    const bool outgoing = item.target == WorkItem::kNumberOut;
    numbers_->update(key, item.hash,
                     event.kind() == model::EventKind::kCall
                         ? contact_of(event.as<model::Call>(), event.time, outgoing)
                         : contact_of(event.as<model::Message>(), event.time, outgoing),
                     event.watermark);
    return true;
  }
  const model::IpAddress ip{item.key.key.hi, item.key.key.lo};
  hosts_->update(ip, item.hash, host_contact_of(event), event.watermark);
  return true;
}

void Shard::evict(EventMs watermark) {
  evict_at_ = watermark + config_.evict_every;
  numbers_->evict(watermark);
  hosts_->evict(watermark);
  devices_->evict(watermark);
  cells_->evict(watermark);
  dialling_->evict(watermark);
  rules_.evict(watermark);
  for (const auto& detector : detectors_) detector->evict(watermark);
}

std::vector<Shard::Section> Shard::sections() const {
  // Raised when their saved form or meaning changes.
  constexpr std::uint32_t kNumbersVersion = 5, kHostsVersion = 2, kRulesVersion = 1, kDevicesVersion = 5,
                          kCellsVersion = 5, kDiallingVersion = 4;
  std::vector<Section> out{{"numbers", kNumbersVersion}, {"hosts", kHostsVersion}, {"rules", kRulesVersion},
                           {"devices", kDevicesVersion}, {"cells", kCellsVersion}, {"dialling", kDiallingVersion}};
  for (const EngineConfig::Part& p : config_.detectors)
    out.push_back({"detector " + std::string(p.part.spec().name), p.part.spec().state_version});
  return out;
}

void Shard::save(std::size_t section, StateWriter& out) const {
  switch (section) {
    case 0:
      return numbers_->save(out);
    case 1:
      return hosts_->save(out);
    case 2:
      return rules_.save(out);
    case 3:
      return devices_->save(out);
    case 4:
      return cells_->save(out);
    case 5:
      return dialling_->save(out);
    default:
      return detectors_[section - kSharedSections]->save(out);
  }
}

Result<> Shard::load(std::size_t section, StateReader& in) {
  switch (section) {
    case 0:
      return numbers_->load(in);
    case 1:
      return hosts_->load(in);
    case 2:
      return rules_.load(in);
    case 3:
      return devices_->load(in);
    case 4:
      return cells_->load(in);
    case 5:
      return dialling_->load(in);
    default:
      return detectors_[section - kSharedSections]->load(in);
  }
}

void Shard::reset(std::size_t section) {
  switch (section) {
    case 0:
      numbers_ = std::make_unique<NumberActivities>(number_options(config_));
      break;
    case 1:
      hosts_ = std::make_unique<HostActivities>(config_.hosts);
      break;
    case 2:
      rules_.clear();
      break;
    case 3:
      devices_ = std::make_unique<DeviceActivities>(config_.numbers.local_offset);
      break;
    case 4:
      cells_ = std::make_unique<CellActivities>(config_.numbers.local_offset);
      break;
    case 5:
      dialling_ = std::make_unique<DiallingActivities>();
      break;
    default: {
      const EngineConfig::Part& p = config_.detectors[section - kSharedSections];
      detectors_[section - kSharedSections] = p.part.make(p.options);
    }
  }
}

void Shard::add_to(EngineStats& stats) const {
  if (stats.parts.empty()) {
    stats.parts.resize(kSharedSections + detectors_.size());
    stats.parts[0].name = "numbers";
    stats.parts[1].name = "hosts";
    stats.parts[2].name = "rules";
    stats.parts[3].name = "devices";
    stats.parts[4].name = "cells";
    stats.parts[5].name = "dialling";
    for (std::size_t d = 0; d < detectors_.size(); ++d)
      stats.parts[kSharedSections + d].name = config_.detectors[d].part.spec().name;
  }
  const auto add = [&](std::size_t part, const StateSize& size) {
    StateSize& total = stats.parts[part].state;
    total.keys += size.keys;
    total.bytes += size.bytes;
    total.evicted += size.evicted;
    stats.state_bytes += size.bytes;
  };
  add(0, {numbers_->size(), numbers_->bytes(), numbers_->evicted()});
  add(1, {hosts_->size(), hosts_->bytes(), hosts_->evicted()});
  add(2, rules_.size());
  add(3, {devices_->size(), devices_->bytes(), devices_->evicted()});
  add(4, {cells_->size(), cells_->bytes(), cells_->evicted()});
  add(5, {dialling_->size(), dialling_->bytes(), dialling_->evicted()});
  stats.parts[2].signals += rule_signals_;
  stats.parts[2].shadow_signals += shadow_signals_;
  for (std::size_t d = 0; d < detectors_.size(); ++d) {
    add(kSharedSections + d, detectors_[d]->size());
    stats.parts[kSharedSections + d].signals += signals_[d];
  }
  stats.too_old += numbers_->too_old() + hosts_->too_old() + devices_->too_old() + cells_->too_old();
  stats.listed_numbers += numbers_->listed();
  stats.packed_numbers += numbers_->packed();
  stats.busy_numbers += numbers_->busy();
  stats.quiet_numbers += numbers_->size() - numbers_->listed() - numbers_->packed() - numbers_->busy();
}

}  // namespace pandun::detect
