package webhook

import (
	"fmt"
	"time"
	_ "time/tzdata" // for images without time zones

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// Config configures how webhooks become messages. Start from [DefaultConfig]: the zero value is not valid.
type Config struct {
	// Type is the message type, one of [Types], unless the query or the route sets
	// another.
	Type message.Type
	// Priority of the messages, unless the query or the route sets another. A resolved notification has the
	// priority, and so the queue, of the firing one.
	Priority tasks.Priority
	// Resolve is how the end of an alert is reported, unless the query or the route sets it.
	Resolve Resolve
	// Dedup is how long a repeated notification is recognised. It should be longer than the delay between the two
	// notifications of an Alertmanager pair, and shorter than any intended repetition.
	Dedup time.Duration
	// Timezone in which times are shown: an IANA name, UTC, or Local.
	Timezone string
	Severity Severity
	// Labels name the recipients of an alert.
	Labels RecipientLabels
	// Digest applies unless a route has its own.
	Digest Digest
	// Grafana configures the signatures of Grafana's webhooks.
	Grafana Signature
	// Templates replace the built-in ones, by name; see [TemplateNames].
	Templates map[string]Template
	// Sources are the sources, by name, whose JSON a mapping turns into alerts.
	Sources map[Source]Mapping
	// Routes name recipients for alerts that have none; the first match counts.
	Routes []Route
}

// RecipientLabels are the labels that name the recipients of an alert, separated by | or commas. An empty name
// disables one.
type RecipientLabels struct {
	ToUser, ToParty, ToTag string
}

// Digest configures when alerts are collected: after the first After messages to one member within Window, the
// rest becomes one message at the window's end. After 0 disables it.
type Digest struct {
	After  int
	Window time.Duration
}

// Route names the recipients of alerts that match all its matchers.
type Route struct {
	App      string // only for this app; empty for all
	Matchers []Matcher
	To       message.Recipients
	Type     message.Type   // empty: that of the config
	Priority tasks.Priority // empty: that of the config
	Resolve  Resolve        // empty: that of the config
	Digest   *Digest        // nil: that of the config
}

// Resolve is a way to report the end of an alert.
type Resolve string

// The ways to report the end of an alert.
const (
	// ResolveMessage sends a message.
	ResolveMessage Resolve = "message"
	// ResolveUpdate changes the cards that reported the alert, and sends a message only where that is not possible.
	// It needs [message.TypeTemplateCard], and is [ResolveMessage] for other types.
	ResolveUpdate Resolve = "update"
)

// Resolves lists the ways.
func Resolves() []Resolve { return []Resolve{ResolveMessage, ResolveUpdate} }

// The limits of a [Config].
const (
	MinDedup        = time.Second
	MaxDedup        = 24 * time.Hour
	MinDigestWindow = time.Second
	MaxDigestWindow = time.Hour
	MaxDigestAfter  = 1000 // the hourly limit of one member (90312)
)

// Types lists the message types that alerts can be sent as.
func Types() []message.Type {
	return []message.Type{message.TypeMarkdown, message.TypeText, message.TypeTextCard, message.TypeTemplateCard}
}

// DefaultConfig is the configuration of an empty section of the config file.
//
// Dedup is 4 minutes: the second of an Alertmanager pair waits 15 s, and after an outage its retries are up to
// 90 s apart; nothing is repeated before group_interval, 5 minutes by default.
func DefaultConfig() Config {
	return Config{
		Type:     message.TypeMarkdown,
		Priority: tasks.Critical,
		Resolve:  ResolveMessage,
		Dedup:    4 * time.Minute,
		Timezone: "Asia/Shanghai",
		Severity: Severity{Label: "severity", Order: []string{"critical", "error", "warning", "info"}},
		Labels:   RecipientLabels{ToUser: "wecom_to_user", ToParty: "wecom_to_party", ToTag: "wecom_to_tag"},
		Digest:   Digest{After: 10, Window: time.Minute},
		Grafana: Signature{
			Header: "X-Grafana-Alerting-Signature", TimestampHeader: "X-Grafana-Alerting-Timestamp", MaxAge: 5 * time.Minute,
		},
	}
}

// ParseZone finds a time zone by its IANA name.
func ParseZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" {
		return nil, fmt.Errorf("%q is not a time zone such as Asia/Shanghai, UTC or Local", name)
	}
	return zone, nil
}

// ValidateRecipients returns an error for recipients that cannot exist at WeCom.
func ValidateRecipients(to message.Recipients) error {
	var request message.Request = message.SendTextRequest{
		SendRequestCommon: &message.SendRequestCommon{}, Text: message.TextField{Content: "."},
	}
	return message.ValidateContent(message.WithRecipients(request, to))
}
