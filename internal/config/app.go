package config

import (
	"cmp"
	"net/url"
	"time"

	"github.com/wecomq/wecomq/internal/media"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// defaultTimezone is the zone of WeCom's days.
const defaultTimezone = "Asia/Shanghai"

// App is one WeCom application.
type App struct {
	Name    string       // the alias used everywhere: 1 to 32 of a-z, 0-9 and -
	CorpID  string       // of the enterprise (91039)
	AgentID string       // decimal digits (90236)
	Secret  wecom.Secret // of this application (91039)

	APIBaseURL string        // scheme and host of WeCom's API, or of a replacement
	Proxy      wecom.Secret  // http(s) URL of the egress proxy, which may hold a password; empty for none
	Timeout    time.Duration // of one call
	// Concurrency is the number of calls in flight, per process.
	Concurrency int
	OnUnknown   string // what to do after an unknown outcome: resend or park
	// UnknownResends is how often a message of unknown outcome is resent.
	UnknownResends int
	// Retention is how long finished tasks stay in the asynq dashboard; 0 removes
	// them at once. It has an entry for every priority.
	Retention map[tasks.Priority]time.Duration
	RecordTTL time.Duration // how long results are kept
	// Timezone is the IANA name of the zone of the app's hours, such as those of a broadcast.
	Timezone string
	// MediaStorage limits the files of messages in Redis, in bytes.
	MediaStorage int64
	Limits       tasks.Limits
	Notify       Notify // of all messages of the app
}

// ProxyURL returns the parsed Proxy, or nil for none.
func (a App) ProxyURL() *url.URL {
	if a.Proxy == "" {
		return nil
	}
	u, err := url.Parse(string(a.Proxy))
	if err != nil {
		return nil // impossible after Load, which has parsed it
	}
	return u
}

// Location returns the zone of Timezone, or WeCom's for none.
func (a App) Location() *time.Location {
	zone, err := time.LoadLocation(cmp.Or(a.Timezone, defaultTimezone))
	if err != nil {
		return time.UTC // impossible after Load, which has looked it up
	}
	return zone
}

func readApp(name string, s *section) *App {
	app := &App{
		Name:           name,
		CorpID:         required(s, "corp_id", nonEmpty[string]),
		AgentID:        required(s, "agent_id", agentID),
		Secret:         s.secret("secret", oneLine),
		APIBaseURL:     optional(s, "api_base_url", wecom.DefaultBaseURL, baseURL),
		Proxy:          optional(s, "proxy", "", proxyURL),
		Timeout:        optional(s, "timeout", wecom.DefaultTimeout, duration(time.Millisecond, tasks.MaxCallTimeout)),
		Concurrency:    optional(s, "concurrency", tasks.DefaultConcurrency, atLeast(1)),
		OnUnknown:      s.oneOf("on_unknown", "resend", "resend", "park"),
		UnknownResends: optional(s, "unknown_resends", tasks.DefaultUnknownResends, atLeast(1)),
		Retention:      readRetention(s.section("retention")),
		RecordTTL:      optional(s, "records", tasks.DefaultRecordTTL, duration(minRecords, maxKept)),
		Timezone:       optional(s, "timezone", defaultTimezone, ianaZone),
		MediaStorage:   optional(s, "media_storage", media.DefaultMaxBytes, byteSize),
		Limits:         readLimits(s.section("limits")),
		Notify:         readNotify(s),
	}
	s.rejectUnknown()
	return app
}

// readApps reads the mapping from name to application.
func readApps(s *section) map[string]*App {
	if len(s.keys) == 0 && !s.broken {
		s.fail(s.place, "missing (define at least one application)")
	}
	apps := make(map[string]*App, len(s.keys))
	names := identities{}
	for _, name := range s.keys {
		if err := tasks.ValidateApp(name); err != nil {
			s.fail(s.at(name), "%v", err)
		}
		app := s.section(name)
		apps[name] = readApp(name, app)
		names.claim(app, apps[name])
	}
	return apps
}

// identities maps the applications read so far to their names. A second name for one application would have
// separate limits, while WeCom counts both together.
type identities map[identity]string

// identity is equal if two entries are the same application for WeCom.
type identity struct{ corpID, agentID, apiBaseURL string }

// claim reports an error for an application that already has a name.
func (names identities) claim(s *section, app *App) {
	id := identity{app.CorpID, app.AgentID, app.APIBaseURL}
	if id.corpID == "" || id.agentID == "" {
		return // which has already been reported
	}
	if first, taken := names[id]; taken {
		s.fail(s.at("agent_id"), "agent %s of corp %s is apps.%s already "+
			"(WeCom counts both together, so use that name or create another application)", id.agentID, id.corpID, first)
		return
	}
	names[id] = app.Name
}

func readRetention(s *section) map[tasks.Priority]time.Duration {
	retention := tasks.DefaultRetention()
	for _, priority := range tasks.Priorities() {
		retention[priority] = optional(s, string(priority), retention[priority], duration(0, maxKept))
	}
	s.rejectUnknown()
	return retention
}

func readLimits(s *section) tasks.Limits {
	standard := tasks.DefaultLimits()
	limits := tasks.Limits{
		Seats:           optional(s, "seats", standard.Seats, atLeast(0)),
		CallsPerMinute:  optional(s, "calls_per_minute", standard.CallsPerMinute, atLeast(1)),
		MemberPerMinute: optional(s, "member_per_minute", standard.MemberPerMinute, atLeast(1)),
		MemberPerHour:   optional(s, "member_per_hour", standard.MemberPerHour, atLeast(1)),
		CriticalReserve: optional(s, "critical_reserve", standard.CriticalReserve, percent),
	}
	s.rejectUnknown()
	return limits
}
