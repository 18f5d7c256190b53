package webhook

import (
	"net/url"
	"slices"
	"strings"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// query is what the address of a webhook says.
type query struct {
	to       message.Recipients
	kind     message.Type
	priority tasks.Priority
}

func parseQuery(values url.Values) (query, error) {
	q := query{
		to: message.Recipients{
			Users: ids(values["to_user"]...), Parties: ids(values["to_party"]...), Tags: ids(values["to_tag"]...),
		},
		kind: message.Type(values.Get("type")), priority: tasks.Priority(values.Get("priority")),
	}
	if q.kind != "" && !slices.Contains(Types(), q.kind) {
		return query{}, &InvalidError{"query.type", "not one of " + names(Types())}
	}
	if q.priority != "" && q.priority.Validate() != nil {
		return query{}, &InvalidError{"query.priority", "not one of " + names(tasks.Priorities())}
	}
	if q.to.Count() > 0 {
		if err := ValidateRecipients(q.to); err != nil {
			return query{}, &InvalidError{"query", strings.NewReplacer("touser", "to_user", "toparty", "to_party", "totag", "to_tag").Replace(err.Error())}
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

// ids takes lists apart that are separated by | or commas.
func ids(lists ...string) []string {
	var found []string
	for _, list := range lists {
		for id := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == '|' || r == ',' }) {
			if id = strings.TrimSpace(id); id != "" {
				found = append(found, id)
			}
		}
	}
	return found
}

// audience is to whom and how alerts go.
type audience struct {
	to       message.Recipients
	kind     message.Type
	priority tasks.Priority
	digest   Digest
}

// key is the same for the same audience.
func (a audience) key() string {
	return list(string(a.kind), string(a.priority), a.digest.stream(),
		list(a.to.Users...), list(a.to.Parties...), list(a.to.Tags...))
}

// delivery is what one audience gets of a notification.
type delivery struct {
	audience
	notification Notification
}

// identity is the same for the same part of the same notification.
func (d delivery) identity() string { return digestOf(d.notification.identity(), d.key()) }

// idempotencyKey is that of the message of one occurrence.
func (d delivery) idempotencyKey(nonce string) string { return "webhook:" + d.identity() + ":" + nonce }

// group is the same for all notifications about a group of alerts.
func (d delivery) group() string {
	return digestOf(string(d.notification.Source), d.notification.Receiver, d.notification.GroupKey, d.key())
}

// reportsEnd tells whether some of the alerts are over.
func (d delivery) reportsEnd() bool {
	return slices.ContainsFunc(d.notification.Alerts, func(a Alert) bool { return a.Status == Resolved })
}

// plan divides a notification among its audiences. It also tells how many alerts
// name nobody, and which recipients of labels cannot be right.
func (c Config) plan(app string, n Notification, q query) (deliveries []delivery, unaddressed int, wrong []string) {
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
			deliveries = append(deliveries, delivery{audience: a})
		}
		alerts[key] = append(alerts[key], alert)
	}
	for i := range deliveries {
		deliveries[i].notification = n.with(alerts[deliveries[i].key()])
		n.Truncated = 0 // whose they are nobody knows: those with the worst alert are told, and no one else
	}
	slices.Sort(wrong)
	return deliveries, unaddressed, slices.Compact(wrong)
}

// audienceOf finds who gets an alert: those of the query, else of its labels,
// else of the first route that matches. The route has a say on the rest in any case.
func (c Config) audienceOf(app string, alert Alert, q query) (a audience, wrong []string) {
	a = audience{to: q.to, kind: q.kind, priority: q.priority, digest: c.Digest}
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

// route is the first that matches, or an empty one.
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

// maxLabelIDs bounds how many recipients one label names.
const maxLabelIDs = message.MaxUsers

// recipients reads those that labels name. A bad one is left out and reported:
// the alert must not be lost for a mistake in a rule. @all is a bad one: whoever can
// fire an alert would message the whole company.
func (l RecipientLabels) recipients(labels map[string]string) (to message.Recipients, wrong []string) {
	good := func(label string, one func(id string) message.Recipients) []string {
		if label == "" || labels[label] == "" {
			return nil
		}
		named := ids(cutBytes(labels[label], maxLabelIDs*(message.MaxUserIDBytes+1)))
		right := slices.DeleteFunc(slices.Clone(named), func(id string) bool {
			return strings.EqualFold(id, message.AllUsers) || ValidateRecipients(one(id)) != nil
		})
		if len(right) < len(named) || len(right) > maxLabelIDs {
			wrong = append(wrong, label)
		}
		return right[:min(len(right), maxLabelIDs)]
	}
	to.Users = good(l.ToUser, func(id string) message.Recipients { return message.Recipients{Users: []string{id}} })
	to.Parties = good(l.ToParty, func(id string) message.Recipients { return message.Recipients{Parties: []string{id}} })
	to.Tags = good(l.ToTag, func(id string) message.Recipients { return message.Recipients{Tags: []string{id}} })
	return to, wrong
}
