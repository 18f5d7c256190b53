package webhook

import (
	"net/url"
	"slices"
	"strings"

	"github.com/wecomq/wecomq/internal/envelope"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// Query has the settings in the query of a webhook's URL.
type Query struct {
	To       message.Recipients
	Type     message.Type
	Priority tasks.Priority
	Resolve  Resolve
}

// ParseQuery reads to_user, to_party, to_tag, type, priority and resolve. Its errors are
// of type [*InvalidError].
func ParseQuery(values url.Values) (Query, error) {
	q := Query{
		To: message.Recipients{
			Users: envelope.IDs(values["to_user"]...), Parties: envelope.IDs(values["to_party"]...), Tags: envelope.IDs(values["to_tag"]...),
		},
		Type: message.Type(values.Get("type")), Priority: tasks.Priority(values.Get("priority")),
		Resolve: Resolve(values.Get("resolve")),
	}
	if q.Type != "" && !slices.Contains(Types(), q.Type) {
		return Query{}, &InvalidError{"query.type", "not one of " + names(Types())}
	}
	if q.Priority != "" && q.Priority.Validate() != nil {
		return Query{}, &InvalidError{"query.priority", "not one of " + names(tasks.Priorities())}
	}
	if q.Resolve != "" && !slices.Contains(Resolves(), q.Resolve) {
		return Query{}, &InvalidError{"query.resolve", "not one of " + names(Resolves())}
	}
	if q.To.Count() > 0 {
		if err := ValidateRecipients(q.To); err != nil {
			return Query{}, &InvalidError{"query", strings.NewReplacer("touser", "to_user", "toparty", "to_party", "totag", "to_tag").Replace(err.Error())}
		}
	}
	return q, nil
}

// names joins words for an error.
func names[T ~string](words []T) string {
	texts := make([]string, len(words))
	for i, word := range words {
		texts[i] = string(word)
	}
	return strings.Join(texts, ", ")
}

// audience is the recipients of alerts, and the form in which they get them.
type audience struct {
	to       message.Recipients
	kind     message.Type
	priority tasks.Priority
	digest   Digest
	updates  bool // the end of its alerts changes the cards that reported them
}

// key identifies the audience.
func (a audience) key() string {
	kind := string(a.kind)
	if a.updates {
		kind += "+" + string(ResolveUpdate)
	}
	return list(kind, string(a.priority), a.digest.stream(),
		list(a.to.Users...), list(a.to.Parties...), list(a.to.Tags...))
}

// delivery is the part of a notification that one audience gets.
type delivery struct {
	audience
	notification Notification
	says         string // distinguishes it from one with the same identity; see [Notification.says]
	truncated    bool   // the source left out alerts, which may belong to this audience
}

// identity identifies the part of the notification, across repetitions.
func (d delivery) identity() string { return digestOf(d.notification.identity(), d.key()) }

// opposite identifies the notification that this one ends; see [Notification.opposite].
func (d delivery) opposite() string { return digestOf(d.notification.opposite(), d.key()) }

// idempotencyKey is the key of the message of one occurrence.
func (d delivery) idempotencyKey(nonce string) string { return "webhook:" + d.identity() + ":" + nonce }

// group identifies the group of alerts, independently of their state.
func (d delivery) group() string {
	return digestOf(string(d.notification.Source), d.notification.Receiver, d.notification.GroupKey, d.key())
}

// reportsEnd reports whether some of the alerts are resolved.
func (d delivery) reportsEnd() bool {
	return slices.ContainsFunc(d.notification.Alerts, func(a Alert) bool { return a.Status == Resolved })
}

// plan divides a notification among its audiences. It also returns the number of alerts without recipients, and
// invalid recipients in labels.
func (c Config) plan(app string, n Notification, q Query) (deliveries []delivery, unaddressed int, wrong []string) {
	alerts := map[string][]Alert{}
	for _, alert := range sorted(n.Alerts, c.Severity) {
		a, bad := c.audienceOf(app, alert, q)
		wrong = append(wrong, bad...)
		if a.to.Count() == 0 {
			unaddressed++
			continue
		}
		key := a.key()
		if alerts[key] == nil {
			deliveries = append(deliveries, delivery{audience: a, truncated: n.Truncated > 0})
		}
		alerts[key] = append(alerts[key], alert)
	}
	for i := range deliveries {
		deliveries[i].notification = n.with(alerts[deliveries[i].key()])
		deliveries[i].says = deliveries[i].notification.says(c.Severity)
		n.Truncated = 0 // their recipients are unknown: only those of the worst alert see the number
	}
	slices.Sort(wrong)
	return deliveries, unaddressed, slices.Compact(wrong)
}

// audienceOf returns who gets an alert: the recipients in the query, else those in its labels, else those of the
// first matching route. That route sets type, priority, resolve and digest in any case.
func (c Config) audienceOf(app string, alert Alert, q Query) (a audience, wrong []string) {
	a = audience{to: q.To, kind: q.Type, priority: q.Priority, digest: c.Digest}
	route := c.route(app, alert.Labels)
	if a.to.Count() == 0 {
		a.to, wrong = c.Labels.recipients(alert.Labels)
	}
	if a.to.Count() == 0 {
		a.to = route.To
	}
	a.to = a.to.Unique()
	if a.to.All() {
		a.to = message.Recipients{Users: []string{message.AllUsers}}
	}
	a.kind = first(a.kind, route.Type, c.Type)
	a.priority = first(a.priority, route.Priority, c.Priority)
	a.updates = a.kind == message.TypeTemplateCard && first(q.Resolve, route.Resolve, c.Resolve) == ResolveUpdate
	if route.Digest != nil {
		a.digest = *route.Digest
	}
	return a, wrong
}

func first[T ~string](values ...T) T {
	for _, value := range values {
		if value != "" {
			return value
		}
	}
	return ""
}

// route returns the first matching route, or an empty one.
func (c Config) route(app string, labels map[string]string) Route {
	for _, route := range c.Routes {
		if route.App != "" && route.App != app {
			continue
		}
		if !slices.ContainsFunc(route.Matchers, func(m Matcher) bool { return !m.Matches(labels) }) {
			return route
		}
	}
	return Route{}
}

// maxLabelIDs is how many recipients one label may name.
const maxLabelIDs = message.MaxUsers

// recipients returns the recipients that labels name. Invalid ones are left out and returned as wrong, because a
// mistake in a rule must not lose the alert. @all counts as invalid: otherwise anybody who can fire an alert
// could message the whole company.
func (l RecipientLabels) recipients(labels map[string]string) (to message.Recipients, wrong []string) {
	good := func(label string, one func(id string) message.Recipients) []string {
		if label == "" || labels[label] == "" {
			return nil
		}
		named := envelope.FirstIDs(maxLabelIDs+1, labels[label])
		right := slices.DeleteFunc(slices.Clone(named[:min(len(named), maxLabelIDs)]), func(id string) bool {
			return strings.EqualFold(id, message.AllUsers) || ValidateRecipients(one(id)) != nil
		})
		if len(right) < len(named) {
			wrong = append(wrong, label)
		}
		return right
	}
	to.Users = good(l.ToUser, func(id string) message.Recipients { return message.Recipients{Users: []string{id}} })
	to.Parties = good(l.ToParty, func(id string) message.Recipients { return message.Recipients{Parties: []string{id}} })
	to.Tags = good(l.ToTag, func(id string) message.Recipients { return message.Recipients{Tags: []string{id}} })
	return to, wrong
}
