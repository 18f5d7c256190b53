package webhook

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/wecomq/wecomq/message"
)

// Renderer turns notifications into messages within WeCom's limits. It is safe for
// concurrent use.
type Renderer struct {
	severity Severity
	hidden   RecipientLabels
	zone     *time.Location
	builtin  map[string]*script
	own      map[string]*script
}

// NewRenderer parses the templates of a config and tries each, so that a mistake is found now and not with the
// first alert.
func NewRenderer(cfg Config) (*Renderer, error) {
	zone, err := ParseZone(cfg.Timezone)
	if err != nil {
		return nil, err
	}
	r := &Renderer{
		severity: cfg.Severity, hidden: cfg.Labels, zone: zone,
		builtin: map[string]*script{}, own: map[string]*script{},
	}
	for _, name := range TemplateNames() {
		if r.builtin[name], err = builtinScript(name); err != nil {
			return nil, fmt.Errorf("built-in template %s: %w", name, err)
		}
	}
	for name, template := range cfg.Templates {
		if r.own[name], err = checkTemplate(name, template); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// CheckTemplate parses a template and tries it on sample alerts.
func CheckTemplate(name string, template Template) error {
	_, err := checkTemplate(name, template)
	return err
}

func checkTemplate(name string, template Template) (*script, error) {
	s, err := compile(name, template)
	if err != nil {
		return nil, err
	}
	for _, data := range rehearsals(name) {
		_, cut, err := s.render(data)
		if err != nil {
			return nil, err
		}
		if cut {
			return nil, fmt.Errorf("%s: for one alert it writes more than %d bytes", s.file, maxOutputBytes)
		}
	}
	return s, nil
}

// Rendered is a message without recipients.
type Rendered struct {
	Request message.Request
	More    int // alerts that it only counts
	// Fallback is why another template than the chosen one was used, usually nil: a mistake in a template must not
	// lose an alert.
	Fallback error
}

// Render renders a notification as one of [Types]. A card without a link becomes
// markdown. The alerts of n are sorted, worst first.
func (r *Renderer) Render(n Notification, kind message.Type) (Rendered, error) {
	n.Alerts = sorted(n.Alerts, r.severity)
	var faults []error
	for _, s := range r.scripts(string(kind)) {
		rendered, err := r.fit(n, s)
		if err == nil {
			rendered.Fallback = errors.Join(faults...)
			return rendered, nil
		}
		faults = append(faults, fmt.Errorf("template %s: %w", s.name, err))
	}
	return Rendered{}, errors.Join(faults...)
}

// RenderStrictly is Render without falling back to another template.
func (r *Renderer) RenderStrictly(n Notification, kind message.Type) (Rendered, error) {
	n.Alerts = sorted(n.Alerts, r.severity)
	return r.fit(n, r.scripts(string(kind))[0])
}

// scripts returns the templates to try, in this order: the user's, the built-in one,
// markdown.
func (r *Renderer) scripts(name string) []*script {
	var scripts []*script
	if own := r.own[name]; own != nil {
		scripts = append(scripts, own)
	}
	scripts = append(scripts, r.builtin[name])
	if name == string(message.TypeTextCard) || name == string(message.TypeTemplateCard) {
		scripts = append(scripts, r.builtin[string(message.TypeMarkdown)])
	}
	return scripts
}

// sizes are the limits on single texts to try, largest first: texts and lists of labels are shortened, and
// details left out, before alerts are.
var sizes = []viewer{
	{text: 1024, detail: 1024, url: message.MaxURLBytes, list: 64},
	{text: 1024, detail: 1024, url: 1024, list: 64},
	{text: 200, detail: 200, url: 400, list: 12},
	{text: 80, detail: 80, url: 200, list: 5},
	{text: 80, detail: 80, url: 400, list: 2, compact: true},
}

// alone are the limits for a single alert, which has no others to make room for: its summary stays, and as much
// of the rest as fits.
var alone = append(sizes[:3:3],
	viewer{text: 200, detail: 120, url: 400, list: 8},
	viewer{text: 200, detail: 80, url: 400, list: 5},
	viewer{text: 200, detail: 80, url: 400, list: 3},
	viewer{text: 200, detail: 80, url: 400, list: 2},
	viewer{text: 200, detail: 80, url: 400, list: 1},
	viewer{text: 200, detail: 40, url: 200, list: 1},
	viewer{text: 120, detail: 40, url: 200},
	viewer{text: 120, detail: 20, url: 200},
)

// sizesOf are the limits to try for a notification in a content.
func sizesOf(n Notification, c content) []viewer {
	if len(n.Alerts) > 1 {
		return sizes
	}
	tried := slices.Clone(alone)
	for i := range tried {
		tried[i].list = max(tried[i].list, c.rows)
	}
	return tried
}

// maxShown is more alerts than fit into any message.
const maxShown = 200

// fit shows as many alerts as fit: all of them if shortening their texts is enough, else the worst, and the
// names of as many of the others as fit. At least one is shown, cut if necessary.
func (r *Renderer) fit(n Notification, s *script) (Rendered, error) {
	c, told := contents[s.name], r.tell(n)
	sizes := sizesOf(n, c)
	var failed error
	try := func(size viewer, shown int) (texts map[string]string, fits bool) {
		size.tells = told.label
		texts, cut, err := r.texts(n, shown, s, size)
		if err != nil {
			failed = err
		}
		return texts, err == nil && !cut && c.fits(texts, note(n.count()-shown, c.names(told, shown, c.room/4)))
	}
	if len(n.Alerts) <= maxShown {
		for _, size := range sizes {
			if texts, fits := try(size, len(n.Alerts)); fits {
				return r.rendered(s, texts, n.Truncated, note(n.Truncated, ""))
			}
		}
	}
	smallest := sizes[len(sizes)-1]
	shown := max(1, sort.Search(min(len(n.Alerts)-1, maxShown), func(i int) bool {
		_, fits := try(smallest, i+1)
		return !fits
	}))
	texts, _ := try(smallest, shown)
	if failed != nil {
		return Rendered{}, failed
	}
	more := n.count() - shown
	said := note(more, c.names(told, shown, c.room/4))
	c.cut(texts, said)
	if fuller := note(more, c.names(told, shown, c.room/4+c.room-c.size(c.join(texts[c.main], said)))); c.fits(texts, fuller) {
		said = fuller
	}
	return r.rendered(s, texts, more, said)
}

func (r *Renderer) rendered(s *script, texts map[string]string, more int, note string) (Rendered, error) {
	request, err := contents[s.name].build(texts, note)
	if err != nil {
		return Rendered{}, err
	}
	if err := message.ValidateContent(message.WithRecipients(request, somebody)); err != nil {
		return Rendered{}, err
	}
	return Rendered{Request: request, More: more}, nil
}

// somebody is a placeholder for recipients.
var somebody = message.Recipients{Users: []string{"somebody"}}

func (r *Renderer) texts(n Notification, shown int, s *script, size viewer) (texts map[string]string, cut bool, err error) {
	size.severity, size.hidden, size.zone = r.severity, r.hidden, r.zone
	return s.render(size.view(n, shown))
}
