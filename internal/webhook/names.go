package webhook

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// tellingLabels are the labels that distinguish the alerts of a group; they are shown first if not all labels are.
var tellingLabels = []string{"instance", "pod", "node", "host", "hostname", "device", "service", "namespace", "job", "cluster"}

// told says how to distinguish the alerts of a group.
type told struct {
	label string   // that distinguishes them best; empty if they are all alike
	names []string // what each alert is about, empty if no label distinguishes it
}

// tell finds the label that distinguishes the alerts, and their names.
func (r *Renderer) tell(n Notification) told {
	t := told{label: r.teller(n.Alerts)}
	for _, a := range n.Alerts[:min(len(n.Alerts), maxCompared)] {
		t.names = append(t.names, nameOf(a, t.label))
	}
	return t
}

// maxCompared is more alerts than a message can name.
const maxCompared = 1000

// teller is the label with the most values among the alerts. One of tellingLabels is preferred to another label
// unless that has more than twice as many.
func (r *Renderer) teller(alerts []Alert) string {
	alerts = alerts[:min(len(alerts), maxCompared)]
	values := map[string]map[string]bool{}
	for _, a := range alerts {
		for name, value := range a.Labels {
			if values[name] == nil {
				values[name] = map[string]bool{}
			}
			values[name][value] = true
		}
	}
	ignored := []string{r.severity.Label, r.hidden.ToUser, r.hidden.ToParty, r.hidden.ToTag}
	best, most := "", 0
	for _, name := range slices.SortedFunc(maps.Keys(values), byTelling) {
		weight := len(values[name])
		if telling(name) < len(tellingLabels) {
			weight *= 2
		}
		if weight > most && !slices.Contains(ignored, name) && tellsApart(alerts, name, len(values[name])) {
			best, most = name, weight
		}
	}
	return best
}

// tellsApart reports whether not all alerts have the label with the same value.
func tellsApart(alerts []Alert, label string, values int) bool {
	return values > 1 || slices.ContainsFunc(alerts, func(a Alert) bool { _, has := a.Labels[label]; return !has })
}

// nameOf is what an alert is about: the value of the distinguishing label, else of the first of tellingLabels
// that it has.
func nameOf(a Alert, tells string) string {
	name := a.Labels[tells]
	for _, label := range tellingLabels {
		name = first(name, a.Labels[label])
	}
	return shorten(plainLabel(atMost(name)), 40)
}

// names lists the names of the alerts that are not shown, as many as fit into room.
func (c content) names(t told, shown, room int) string {
	list := slices.Clone(t.names[:shown]) // they are already shown
	for _, name := range t.names[shown:] {
		if name == "" || slices.Contains(list, name) {
			continue
		}
		if c.size(strings.Join(append(list[shown:], name, ellipsis), ", ")) > room {
			list = append(list, ellipsis)
			break
		}
		list = append(list, name)
	}
	return strings.Join(list[shown:], ", ")
}

// line is the labels in one line, as many as the viewer shows: the most distinguishing ones, and how many others
// there are.
func (v viewer) line(labels KV) string {
	pairs := labels.SortedPairs()
	left := len(pairs) - v.list
	if left > 0 {
		slices.SortStableFunc(pairs, func(a, b Pair) int { return v.rank(a.Name) - v.rank(b.Name) })
		pairs = pairs[:v.list]
	}
	texts := make([]string, len(pairs))
	for i, pair := range pairs {
		texts[i] = pair.Name + "=" + pair.Value
	}
	return strings.TrimSpace(strings.Join(texts, ", ") + others(left))
}

// rank is telling, but the label that distinguishes the alerts is first.
func (v viewer) rank(name string) int {
	if name == plainLabel(v.tells) {
		return -1
	}
	return telling(name)
}

// byTelling orders labels by how well they distinguish alerts.
func byTelling(a, b string) int { return cmp.Or(telling(a)-telling(b), cmp.Compare(a, b)) }

// telling is a label's rank among [tellingLabels].
func telling(name string) int {
	if i := slices.Index(tellingLabels, name); i >= 0 {
		return i
	}
	return len(tellingLabels)
}
