package webhook

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"time"
)

// Source is the system that sends a webhook.
type Source string

// The sources whose webhooks are understood without a [Mapping].
const (
	Alertmanager Source = "alertmanager" // the webhook receiver, version 4
	Grafana      Source = "grafana"      // the webhook contact point of unified alerting
)

// Status of a notification, and of an alert.
type Status string

// A notification is firing as long as one of its alerts is.
const (
	Firing   Status = "firing"
	Resolved Status = "resolved"
)

// Notification is a group of alerts.
type Notification struct {
	Source            Source
	Receiver          string
	GroupKey          string
	Status            Status
	ExternalURL       string // of the source's own pages
	GroupLabels       map[string]string
	CommonLabels      map[string]string
	CommonAnnotations map[string]string
	Alerts            []Alert // at least one
	Truncated         int     // alerts that the source left out (max_alerts)
}

// Alert is one alert of a notification.
type Alert struct {
	Status       Status
	Labels       map[string]string
	Annotations  map[string]string
	StartsAt     time.Time
	EndsAt       time.Time // zero while it fires
	GeneratorURL string
	Fingerprint  string // never empty: derived from the labels if missing

	// Only Grafana has these.
	DashboardURL string
	PanelURL     string
	SilenceURL   string
	Values       map[string]string // of the rule's queries and expressions

	// Omitted is how many annotations of a source with a [Mapping] were dropped because there were too many.
	Omitted int
}

// with returns the notification with only these alerts.
func (n Notification) with(alerts []Alert) Notification {
	n.Alerts = alerts
	n.Status = statusOf(alerts)
	return n
}

// count is the number of alerts, including those that the source left out.
func (n Notification) count() int { return len(n.Alerts) + n.Truncated }

func statusOf(alerts []Alert) Status {
	if slices.ContainsFunc(alerts, func(a Alert) bool { return a.Status == Firing }) {
		return Firing
	}
	return Resolved
}

// identity is equal for a repeated notification, and for that of the other Alertmanager of a pair, whose
// externalURL differs. It covers the content, and when the alerts began and ended.
func (n Notification) identity() string {
	alerts := make([]string, len(n.Alerts))
	for i, a := range n.Alerts {
		alerts[i] = list(a.Fingerprint, string(a.Status), stamp(a.StartsAt), stamp(a.EndsAt))
	}
	slices.Sort(alerts)
	return digestOf(append([]string{string(n.Source), n.Receiver, n.GroupKey, string(n.Status)}, alerts...)...)
}

// says is the text and severity of alerts without times: it distinguishes a worse alert from a repetition.
func (n Notification) says(severity Severity) string {
	var said []string
	for _, a := range n.Alerts {
		if a.StartsAt.IsZero() && a.EndsAt.IsZero() {
			said = append(said, list(a.Fingerprint, a.Labels[severity.Label], a.Annotations["summary"], a.Annotations["description"]))
		}
	}
	if len(said) == 0 {
		return ""
	}
	slices.Sort(said)
	return digestOf(said...)
}

// tells reports whether a mapping has made it, which may be about other things than alerts.
func (n Notification) tells() bool { return n.Source != Alertmanager && n.Source != Grafana }

// opposite is the identity of the notification with the other status, for a source that sends no times: an alert
// that such a source reports again after its end is a new one. Other sources, such as Alertmanager's pairs, of
// which one may be late, are distinguished by their times: for them it is the notification's own identity.
func (n Notification) opposite() string {
	timeless := !slices.ContainsFunc(n.Alerts, func(a Alert) bool { return !a.StartsAt.IsZero() || !a.EndsAt.IsZero() })
	if !n.tells() || !timeless {
		return n.identity()
	}
	other := map[Status]Status{Firing: Resolved, Resolved: Firing}
	n.Status, n.Alerts = other[n.Status], slices.Clone(n.Alerts)
	for i := range n.Alerts {
		n.Alerts[i].Status = other[n.Alerts[i].Status]
	}
	return n.identity()
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// fingerprint replaces the fingerprint that old sources do not send.
func fingerprint(labels map[string]string) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, name, labels[name])
	}
	return digestOf(pairs...)[:16]
}

// digestOf is a hash of texts.
func digestOf(texts ...string) string {
	sum := sha256.Sum256([]byte(list(texts...)))
	return hex.EncodeToString(sum[:16])
}

// list joins texts unambiguously.
func list(texts ...string) string {
	var b []byte
	for _, text := range texts {
		b = strconv.AppendInt(b, int64(len(text)), 10)
		b = append(b, ':')
		b = append(b, text...)
	}
	return string(b)
}

// sorted orders alerts worst first: firing before resolved, then by severity, then the oldest.
func sorted(alerts []Alert, severity Severity) []Alert {
	alerts = slices.Clone(alerts)
	slices.SortStableFunc(alerts, func(a, b Alert) int {
		return cmp.Or(
			cmp.Compare(a.Status, b.Status), // firing before resolved
			cmp.Compare(severity.rank(a.Labels), severity.rank(b.Labels)),
			a.StartsAt.Compare(b.StartsAt),
			cmp.Compare(a.Labels[alertName], b.Labels[alertName]),
			cmp.Compare(a.Labels["instance"], b.Labels["instance"]),
			cmp.Compare(a.Fingerprint, b.Fingerprint),
		)
	})
	return alerts
}

// hasPage reports whether the alert has a page of its own.
func (a Alert) hasPage() bool { return a.PanelURL+a.DashboardURL+a.GeneratorURL != "" }
