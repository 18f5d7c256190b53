package webhook

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/cut"
)

// View is the data of a notification's template. All its texts are harmless: nothing from the webhook can open a
// tag. Fields have the names of Alertmanager's own templates where those have the field.
type View struct {
	Source            string // alertmanager, grafana, or the name of another source
	Receiver          string
	Status            string // firing or resolved
	Title             string // the common name of the alerts, else that of the worst
	Severity          string // of the worst alert; empty if unknown
	CommonSeverity    string // shared by all alerts; empty if they differ
	Color             string // of the worst alert: warning, comment or info
	FiringCount       int    // of all alerts, shown or not
	ResolvedCount     int    // of all alerts, shown or not
	Alerts            Alerts // worst first; fewer than there are if they do not fit
	More              int    // alerts that are not in Alerts; a line that says so is appended automatically
	GroupLabels       KV
	CommonLabels      KV
	CommonAnnotations KV
	ExternalURL       string // of the source's own pages
	Link              string // the best page to look at, empty for none
	CommonLine        string // CommonLabels without alertname and severity in one line; if there are too many, how many are left out
	Compact           bool   // there are too many alerts for more than a line each
	Notice            bool   // not an alert: of the mildest severity, from a source with a mapping
}

// AlertView is the template data of an alert.
type AlertView struct {
	Status       string // firing or resolved
	Name         string // the label alertname
	Severity     string // empty if unknown
	Color        string // warning, comment or info
	Labels       KV
	OwnLabels    KV // the labels that not all alerts of the group have
	Annotations  KV
	Summary      string // the annotation summary, in whatever case
	Description  string // the annotation description, or message, in whatever case
	RunbookURL   string // the annotation runbook_url, or runbook, in whatever case
	Extra        Pairs  // the other annotations; if there are too many, the last says how many are left out
	Words        string // the alert in one line: its summary, description or another annotation, else its name
	Who          string // the label that distinguishes it, e.g. its instance; empty if Words or no label does
	OwnLine      string // OwnLabels without severity in one line; if there are too many, how many are left out
	StartsAt     time.Time
	EndsAt       time.Time // zero while it fires
	Duration     string    // of a resolved alert, e.g. 1h3m; empty if its start is not known
	GeneratorURL string
	DashboardURL string
	PanelURL     string
	SilenceURL   string
	Link         string // the best page to look at, empty for none
	Fingerprint  string
	Values       KV
}

// Alerts are sorted, worst first.
type Alerts []AlertView

// Firing returns the alerts that are firing.
func (a Alerts) Firing() Alerts { return a.having(Firing) }

// Resolved returns the alerts that are resolved.
func (a Alerts) Resolved() Alerts { return a.having(Resolved) }

func (a Alerts) having(status Status) Alerts {
	return slices.DeleteFunc(slices.Clone(a), func(alert AlertView) bool { return alert.Status != string(status) })
}

// KV are labels or annotations. A missing one reads as empty.
type KV map[string]string

// Pair is a label or annotation.
type Pair struct{ Name, Value string }

// Pairs are labels or annotations in order.
type Pairs []Pair

// Names lists the names.
func (p Pairs) Names() []string {
	names := make([]string, len(p))
	for i, pair := range p {
		names[i] = pair.Name
	}
	return names
}

// Values lists the values.
func (p Pairs) Values() []string {
	values := make([]string, len(p))
	for i, pair := range p {
		values[i] = pair.Value
	}
	return values
}

// SortedPairs lists them by name, alertname first.
func (kv KV) SortedPairs() Pairs {
	names := slices.Sorted(maps.Keys(kv))
	if i := slices.Index(names, alertName); i > 0 {
		names = slices.Insert(slices.Delete(names, i, i+1), 0, alertName)
	}
	pairs := make(Pairs, len(names))
	for i, name := range names {
		pairs[i] = Pair{name, kv[name]}
	}
	return pairs
}

// Remove returns all except these.
func (kv KV) Remove(names []string) KV {
	rest := maps.Clone(kv)
	for _, name := range names {
		delete(rest, name)
	}
	return rest
}

// Names lists the names in the order of SortedPairs.
func (kv KV) Names() []string { return kv.SortedPairs().Names() }

// Values lists the values in the order of SortedPairs.
func (kv KV) Values() []string { return kv.SortedPairs().Values() }

const alertName = "alertname"

// viewer makes views.
type viewer struct {
	severity Severity
	hidden   RecipientLabels // not shown
	zone     *time.Location
	tells    string // the label that distinguishes the alerts
	text     int    // maximum characters of one text
	detail   int    // maximum characters of text beyond the summary: further annotations, and labels
	url      int    // maximum bytes of one address
	list     int    // maximum labels of one list, and maximum annotations
	compact  bool
}

// view shows the first alerts of a sorted notification.
func (v viewer) view(n Notification, shown int) View {
	worst := n.Alerts[0]
	rank := v.severity.rank(worst.Labels)
	shared := common(n.Alerts)
	view := View{
		Source: string(n.Source), Receiver: v.label(n.Receiver), Status: string(n.Status),
		Title: v.title(n), Severity: v.severityName(worst.Labels), CommonSeverity: v.severityName(shared), Color: v.severity.color(rank, n.Status),
		More: n.count() - shown, GroupLabels: v.labels(n.GroupLabels), CommonLabels: v.labels(shared),
		CommonAnnotations: v.annotations(n.CommonAnnotations), ExternalURL: link(n.ExternalURL, v.url),
	}
	for _, a := range n.Alerts {
		if a.Status == Firing {
			view.FiringCount++
		} else {
			view.ResolvedCount++
		}
	}
	if n.Status == Firing {
		view.FiringCount += n.Truncated
	} else {
		view.ResolvedCount += n.Truncated
	}
	view.Notice = n.tells() && n.Status == Firing && v.severity.mildest(rank)
	for _, a := range n.Alerts[:shown] {
		view.Alerts = append(view.Alerts, v.alert(a, view))
	}
	view.Link = first(v.page(worst), view.ExternalURL)
	view.CommonLine, view.Compact = v.line(view.CommonLabels.Remove([]string{alertName, v.severity.Label})), v.compact
	return view
}

// common returns the labels that all alerts share. The alerts of one audience can share more than the whole group.
func common(alerts []Alert) map[string]string {
	shared := maps.Clone(alerts[0].Labels)
	for _, a := range alerts[1:] {
		maps.DeleteFunc(shared, func(name, value string) bool { return a.Labels[name] != value })
	}
	return shared
}

// title is the alertname if all alerts share it, else the first few.
func (v viewer) title(n Notification) string {
	var names []string
	for _, a := range n.Alerts {
		if name := a.Labels[alertName]; name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
		if len(names) > 3 {
			break
		}
	}
	if len(names) > 3 {
		return v.label(strings.Join(names[:3], ", ")) + ellipsis
	}
	return v.label(first(strings.Join(names, ", "), n.Receiver, string(n.Source)))
}

func (v viewer) alert(a Alert, group View) AlertView {
	labels := v.labels(a.Labels)
	view := AlertView{
		Status: string(a.Status), Name: labels[alertName], Severity: v.severityName(a.Labels),
		Color: v.severity.color(v.severity.rank(a.Labels), a.Status), Labels: labels,
		OwnLabels: labels.Remove(group.CommonLabels.Names()), Annotations: v.annotations(a.Annotations),
		StartsAt: a.StartsAt.In(v.zone), GeneratorURL: link(a.GeneratorURL, v.url),
		DashboardURL: link(a.DashboardURL, v.url), PanelURL: link(a.PanelURL, v.url), SilenceURL: link(a.SilenceURL, v.url),
		Link: v.page(a), Fingerprint: v.label(a.Fingerprint), Values: v.labels(a.Values),
	}
	if view.Link == "" && a.hasPage() {
		view.Link = group.ExternalURL // the alert's own address is too long
	}
	v.describe(&view, a)
	if who := view.OwnLabels[plainLabel(v.tells)]; !strings.Contains(view.Words, who) {
		view.Who = shorten(who, 40)
	}
	view.OwnLine = v.line(view.OwnLabels.Remove([]string{v.severity.Label}))
	if !a.EndsAt.IsZero() {
		view.EndsAt = a.EndsAt.In(v.zone)
		if !a.StartsAt.IsZero() {
			view.Duration = span(a.EndsAt.Sub(a.StartsAt))
		}
	}
	return view
}

// describe reads the annotations. Those without a field of their own are shown under their names.
func (v viewer) describe(view *AlertView, a Alert) {
	rest := maps.Clone(view.Annotations)
	take := func(names ...string) string {
		name, ok := annotation(rest, names...)
		if !ok {
			return ""
		}
		text := rest[name]
		delete(rest, name)
		return text
	}
	view.Summary, view.Description = take(inShort[0]), take(inShort[1:]...)
	take(runbooks...)
	if name, ok := annotation(a.Annotations, runbooks...); ok {
		view.RunbookURL = link(a.Annotations[name], v.url)
	}
	maps.DeleteFunc(rest, func(name, text string) bool { return text == "" || strings.HasPrefix(name, "__") }) // Grafana's own
	view.Extra = rest.SortedPairs()
	view.Words = oneLine(first(view.Summary, view.Description, view.Name))
	if len(view.Extra) > 0 && view.Summary+view.Description == "" {
		view.Words = oneLine(first(view.Name+" "+view.Extra[0].Value, view.Name))
	}
	shown := min(len(view.Extra), v.list)
	if left := len(view.Extra) - shown + a.Omitted; left > 0 {
		view.Extra = append(view.Extra[:shown:shown], Pair{ellipsis, strings.TrimSpace(others(left))})
	}
}

// others formats the number of the remaining ones.
func others(left int) string {
	if left <= 0 {
		return ""
	}
	return fmt.Sprintf(" %s还有 %d 项", ellipsis, left)
}

// inShort are the annotations that summarise an alert, the best first.
var inShort = []string{"summary", "description", "message"}

var runbooks = []string{"runbook_url", "runbook"}

// annotation finds the first of these names, regardless of case, that has a text, and returns its spelling.
func annotation(annotations map[string]string, names ...string) (spelled string, ok bool) {
	for _, name := range names {
		for _, given := range slices.Sorted(maps.Keys(annotations)) {
			if strings.EqualFold(given, name) && annotations[given] != "" {
				return given, true
			}
		}
	}
	return "", false
}

// page is the best page about an alert.
func (v viewer) page(a Alert) string {
	return first(link(a.PanelURL, v.url), link(a.DashboardURL, v.url), link(a.GeneratorURL, v.url))
}

func (v viewer) severityName(labels map[string]string) string {
	return v.label(labels[v.severity.Label])
}

func (v viewer) label(text string) string {
	return shorten(plainLabel(atMost(text)), v.text)
}

func (v viewer) labels(labels map[string]string) KV {
	kv := make(KV, len(labels))
	for name, value := range labels {
		if name != v.hidden.ToUser && name != v.hidden.ToParty && name != v.hidden.ToTag {
			kv[plainLabel(name)] = shorten(v.label(value), v.detail)
		}
	}
	return kv
}

func (v viewer) annotations(annotations map[string]string) KV {
	kv := make(KV, len(annotations))
	lead, ok := annotation(annotations, inShort...)
	for name, value := range annotations {
		most := v.detail
		if ok && name == lead {
			most = v.text
		}
		kv[plainLabel(name)] = cut.Chars(strings.TrimSpace(plain(atMost(value))), most)
	}
	return kv
}

// maxTextBytes limits a text before it is processed: no message holds more.
const maxTextBytes = 8 << 10

// span formats a duration, without seconds from an hour on.
func span(d time.Duration) string {
	if d >= time.Hour {
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return max(d, 0).Round(time.Second).String()
}
