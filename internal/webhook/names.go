package webhook

import (
	"slices"
	"strings"
)

// tellingLabels are the labels that tell one alert of a group from another, and that are
// shown first where not all are.
var tellingLabels = []string{"instance", "pod", "node", "host", "hostname", "device", "service", "namespace", "job", "cluster"}

// nameOf is whom an alert is about, empty if no label tells.
func nameOf(a Alert) string {
	for _, label := range tellingLabels {
		if name := a.Labels[label]; name != "" {
			return shorten(plainLabel(atMost(name)), 40)
		}
	}
	return ""
}

// names are those whom the alerts that are not shown are about, as many as room holds.
func (c content) names(n Notification, shown, room int) string {
	var list []string
	for _, a := range n.Alerts[:shown] {
		list = append(list, nameOf(a)) // they are named already
	}
	known := len(list)
	for _, a := range n.Alerts[shown:] {
		name := nameOf(a)
		if name == "" || slices.Contains(list, name) {
			continue
		}
		if c.size(strings.Join(append(list[known:], name, ellipsis), ", ")) > room {
			list = append(list, ellipsis)
			break
		}
		list = append(list, name)
	}
	return strings.Join(list[known:], ", ")
}

// line is the labels in one line, as many as the viewer shows: those that tell most, and
// how many there are besides.
func (v viewer) line(labels KV) string {
	pairs := labels.SortedPairs()
	left := len(pairs) - v.list
	if left > 0 {
		slices.SortStableFunc(pairs, func(a, b Pair) int { return telling(a.Name) - telling(b.Name) })
		pairs = pairs[:v.list]
	}
	texts := make([]string, len(pairs))
	for i, pair := range pairs {
		texts[i] = pair.Name + "=" + pair.Value
	}
	return strings.Join(texts, ", ") + others(left)
}

// telling is a label's rank among [tellingLabels].
func telling(name string) int {
	if i := slices.Index(tellingLabels, name); i >= 0 {
		return i
	}
	return len(tellingLabels)
}
