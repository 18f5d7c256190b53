package webhook

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// DigestView is the data of a digest's template.
type DigestView struct {
	From, Until   string // times of day, of the first and the last message; the second with its zone
	Messages      int    // collected in this digest
	Count         int    // total number of alerts
	FiringCount   int
	ResolvedCount int
	Severity      string // of the worst line
	Color         string // of the worst line
	Lines         []DigestLine
	More          int // alerts that are not in Lines; a line that says so is appended automatically
}

// DigestLine is one kind of alert.
type DigestLine struct {
	Status   string // firing or resolved
	Severity string // empty if unknown
	Color    string // warning, comment or info
	Name     string // the label alertname; empty if there is none, or there are too many kinds
	Who      string // some of the instances
	Count    int
}

// line is a kind of alert during collection.
type line struct {
	status Status
	rank   int
	name   string
	who    string
	count  int
}

// gathered is a digest as Redis stores it.
type gathered struct {
	kind        message.Type
	priority    tasks.Priority
	from, until time.Time
	messages    int
	lines       []line
}

// maxKinds is how many kinds of alerts one notification adds to a digest; the rest is counted without a name.
const maxKinds = 100

// linesOf counts the alerts of a notification by kind. whom is the label that identifies what an alert is about,
// by default its instance.
func linesOf(n Notification, severity Severity, whom string) []line {
	var lines []line
	at := map[line]int{}
	add := func(l line, who string, count int) {
		i, ok := at[l]
		if !ok && len(lines) >= maxKinds && l.name != "" {
			l.name, who = "", ""
			i, ok = at[l]
		}
		if !ok {
			i = len(lines)
			at[l] = i
			lines = append(lines, l)
		}
		lines[i].count += count
		lines[i].who = alsoWho(lines[i].who, who)
	}
	if whom == alertName {
		whom = "" // lines are by name already
	}
	for _, a := range sorted(n.Alerts, severity) {
		name := shorten(plainLabel(atMost(a.Labels[alertName])), 60)
		who := shorten(plainLabel(atMost(first(a.Labels[whom], a.Labels["instance"]))), 40)
		add(line{status: a.Status, rank: severity.rank(a.Labels), name: name}, who, 1)
	}
	if n.Truncated > 0 {
		worst := lines[0]
		add(line{status: n.Status, rank: worst.rank, name: worst.name}, "", n.Truncated)
	}
	return lines
}

// alsoWho appends an instance, up to three.
func alsoWho(list, who string) string {
	known := strings.Split(list, ", ")
	switch {
	case who == "" || slices.Contains(known, who):
		return list
	case list == "":
		return who
	case len(known) == 3:
		return list + ", " + ellipsis
	case len(known) > 3:
		return list
	}
	return list + ", " + who
}

// field is the name under which a line is counted.
func (l line) field() string { return fmt.Sprintf("%02d|%s|%s", l.rank, l.status, l.name) }

// readGathered decodes the hash of a digest.
func readGathered(fields map[string]string) (gathered, error) {
	g := gathered{kind: message.Type(fields["type"]), priority: tasks.Priorities()[0]}
	var errs []error
	number := func(text string) int64 {
		n, err := strconv.ParseInt(text, 10, 64)
		errs = append(errs, err)
		return n
	}
	g.from, g.until = time.UnixMilli(number(fields["from"])), time.UnixMilli(number(fields["until"]))
	g.messages = int(number(fields["messages"]))
	if i := number(fields["priority"]); i >= 0 && int(i) < len(tasks.Priorities()) {
		g.priority = tasks.Priorities()[i]
	}
	for name, value := range fields {
		rest, ok := strings.CutPrefix(name, "n:")
		if !ok {
			continue
		}
		words := strings.SplitN(rest, "|", 3)
		if len(words) != 3 {
			errs = append(errs, fmt.Errorf("field %q", name))
			continue
		}
		g.lines = append(g.lines, line{
			rank: int(number(words[0])), status: Status(words[1]), name: words[2],
			who: fields["w:"+rest], count: int(number(value)),
		})
	}
	slices.SortFunc(g.lines, worstFirst)
	return g, errors.Join(errs...)
}

func worstFirst(a, b line) int {
	return cmp.Or(
		cmp.Compare(a.status, b.status), cmp.Compare(a.rank, b.rank),
		-cmp.Compare(a.count, b.count), cmp.Compare(a.name, b.name),
	)
}

// count is the number of alerts.
func (g gathered) count() int {
	total := 0
	for _, l := range g.lines {
		total += l.count
	}
	return total
}

// renderDigest renders a digest: as text for recipients of text, else as markdown.
func (r *Renderer) renderDigest(g gathered) (Rendered, error) {
	name, kind := digestMarkdown, message.TypeMarkdown
	if g.kind == message.TypeText {
		name, kind = digestText, message.TypeText
	}
	var faults []error
	for _, s := range r.scripts(name) {
		rendered, err := r.fitDigest(g, s, kind)
		if err == nil {
			rendered.Fallback = errors.Join(faults...)
			return rendered, nil
		}
		faults = append(faults, fmt.Errorf("template %s: %w", s.name, err))
	}
	return Rendered{}, errors.Join(faults...)
}

// fitDigest shows as many lines as fit.
func (r *Renderer) fitDigest(g gathered, s *script, kind message.Type) (Rendered, error) {
	c := contents[string(kind)]
	var failed error
	try := func(shown int) (texts map[string]string, more int, fits bool) {
		view := r.digestView(g, shown)
		texts, cut, err := s.render(view)
		if err != nil {
			failed = err
		}
		return texts, view.More, err == nil && !cut && c.fits(texts, note(view.More, ""))
	}
	hidden := sort.Search(len(g.lines), func(i int) bool {
		_, _, fits := try(len(g.lines) - i)
		return fits
	})
	texts, more, _ := try(len(g.lines) - hidden)
	if failed != nil {
		return Rendered{}, failed
	}
	c.cut(texts, note(more, ""))
	request, err := c.build(texts, note(more, ""))
	if err != nil {
		return Rendered{}, err
	}
	return Rendered{Request: request, More: more}, message.ValidateContent(message.WithRecipients(request, somebody))
}

func (r *Renderer) digestView(g gathered, shown int) DigestView {
	view := DigestView{
		From: g.from.In(r.zone).Format(time.TimeOnly), Until: g.until.In(r.zone).Format(time.TimeOnly + " -07:00"),
		Messages: g.messages, Count: g.count(), Color: "comment",
	}
	for i, l := range g.lines {
		if l.status == Firing {
			view.FiringCount += l.count
		} else {
			view.ResolvedCount += l.count
		}
		if i >= shown {
			view.More += l.count
			continue
		}
		view.Lines = append(view.Lines, DigestLine{
			Status: string(l.status), Severity: r.severity.name(l.rank), Color: r.severity.color(l.rank, l.status),
			Name: l.name, Who: l.who, Count: l.count,
		})
	}
	if len(g.lines) > 0 {
		worst := g.lines[0]
		view.Severity, view.Color = r.severity.name(worst.rank), r.severity.color(worst.rank, worst.status)
	}
	return view
}
