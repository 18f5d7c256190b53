package pages

import (
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/locale"
	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

var (
	//go:embed templates/*.html
	templateFiles embed.FS
	//go:embed assets/*
	assetFiles embed.FS
)

// templates are the pages, each parsed when it is first shown: parsing all of them, in each language, would take
// longer than the rest of the start.
type templates map[page]func() (*template.Template, error)

type page struct {
	lang language
	name string
}

// pageNames are the pages; each is a file of the same name beside layout.html.
var pageNames = []string{"overview", "app", "search", "message", "dead", "broadcasts", "broadcast", "new", "activity", "login", "error"}

// newTemplates puts all links below the prefix.
func newTemplates(prefix string) templates {
	all := templates{}
	for _, l := range []language{english, chinese} {
		for _, name := range pageNames {
			all[page{l, name}] = sync.OnceValues(func() (*template.Template, error) {
				return parsePage(name, prefix, functions(l))
			})
		}
	}
	return all
}

// parsePage parses a page with the common parts of all pages.
func parsePage(name, prefix string, funcs template.FuncMap) (*template.Template, error) {
	below := strings.NewReplacer(`href="/`, `href="`+prefix+`/`, `src="/`, `src="`+prefix+`/`, `action="/`, `action="`+prefix+`/`)
	layout := template.New("layout.html").Funcs(funcs).Funcs(template.FuncMap{"at": func(path string) string { return prefix + path }})
	for _, file := range []string{"layout", "parts", "preview", name} {
		source, err := templateFiles.ReadFile("templates/" + file + ".html")
		if err != nil {
			return nil, err
		}
		t := layout
		if file != "layout" {
			t = layout.New(file + ".html")
		}
		if _, err := t.Parse(below.Replace(string(source))); err != nil {
			return nil, err
		}
	}
	return layout, nil
}

func functions(l language) template.FuncMap {
	return template.FuncMap{
		"t":             l.say,
		"time":          moment,
		"span":          l.span,
		"left":          l.left,
		"ago":           l.ago,
		"since":         func(at time.Time) string { return l.span(max(time.Since(at), 0)) },
		"soon":          func(at time.Time) string { return l.soon(at, time.Now()) },
		"cause":         l.cause,
		"apptone":       appTone,
		"state":         func(s tasks.State) string { return l.say("state: " + string(s)) },
		"tone":          tone,
		"stageTone":     stageTone,
		"recipientTone": recipientTone,
		"list":          list,
		"named":         named,
		"kind":          kindOf,
		"accept":        func(kind wecom.MediaType) string { return accepted[kind] },
		"why":           l.why,
		"reason":        l.reason,
		"meaning":       func(c wecom.Code) string { return c.MeaningIn(wecom.Language(l)) },
		"hint":          func(c wecom.Code) string { return c.HintIn(wecom.Language(l)) },
		"ending":        l.ending,
		"hours":         hours,
		"host":          host,
		"found":         foundRow,
		"advise":        func(r tasks.Record) advice { return adviceFor(l, r) },
	}
}

// nextTry matches the end of the reason of an app without an access token; the page shows that time in its own zone.
var nextTry = regexp.MustCompile(`; next try at \S+`)

// reason translates the reason of a message's or app's state.
func (l language) reason(text string) string {
	return locale.Reason(wecom.Language(l), nextTry.ReplaceAllString(text, ""))
}

// why is the error of a message, in one line.
func (l language) why(r tasks.Record) string {
	if code := wecom.Code(r.ErrCode); code != 0 && code.Known() {
		return fmt.Sprintf("%d · %s", r.ErrCode, code.MeaningIn(wecom.Language(l)))
	}
	return l.reason(r.ErrMsg)
}

// tone is the colour of a state: good, bad, busy or plain.
func tone(s tasks.State) string {
	switch s {
	case tasks.Accepted:
		return "good"
	case tasks.Rejected, tasks.Unknown, tasks.Expired:
		return "bad"
	case tasks.Partial, tasks.Held:
		return "warn"
	case tasks.Sending, tasks.Queued:
		return "busy"
	case tasks.Scheduled, tasks.Cancelled:
		return "plain"
	}
	return "plain"
}

// appTone is the colour of an app's state.
func appTone(state string) string {
	switch state {
	case pacing.Running:
		return "good"
	case pacing.Paused:
		return "warn"
	}
	return "bad"
}

// stageTone is the colour of a broadcast's state, and recipientTone that of a recipient's.
func stageTone(s broadcast.State) string {
	switch s {
	case broadcast.Finished:
		return "good"
	case broadcast.Running:
		return "busy"
	case broadcast.Paused, broadcast.AwaitingApproval:
		return "warn"
	case broadcast.Creating, broadcast.Scheduled, broadcast.Cancelled:
		return "plain"
	}
	return "plain"
}

func recipientTone(state string) string {
	switch state {
	case "accepted":
		return "good"
	case "pending":
		return "busy"
	case "cancelled":
		return "plain"
	}
	return "bad"
}

// shownRow is the state of a recipient, and the number of others in the same call.
type shownRow struct {
	broadcast.Row

	Others int
}

// foundRow is the first row of a search's result.
func foundRow(rows []broadcast.Row) []shownRow {
	if len(rows) == 0 {
		return nil
	}
	return []shownRow{{rows[0], len(rows) - 1}}
}

// hours formats the hours of a broadcast, with their zone if it is not China's; "" for all.
func hours(h broadcast.Hours) string {
	text := h.String()
	if text != "" && h.Zone != nil && h.Zone.String() != broadcast.ChinaTime.String() {
		text += " " + h.Zone.String()
	}
	return text
}

// shownList is the beginning of a long list.
type shownList struct {
	First []string
	More  int
}

// list cuts a list to a length that fits a page.
func list(ids []string, most int) shownList {
	n := min(len(ids), most)
	return shownList{ids[:n], len(ids) - n}
}

// shownRecipients are the first recipients of a message, of each kind.
type shownRecipients struct{ Users, Parties, Tags shownList }

func named(to message.Recipients, most int) shownRecipients {
	return shownRecipients{list(to.Users, most), list(to.Parties, most), list(to.Tags, most)}
}

// serveAsset serves a file that the pages load.
func serveAsset(w http.ResponseWriter, r *http.Request) {
	data, err := assetFiles.ReadFile("assets/" + r.PathValue("file"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	kinds := map[string]string{"pages.css": "text/css; charset=utf-8", "pages.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"}
	w.Header().Set("Content-Type", kinds[r.PathValue("file")])
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(data) //nolint:gosec // an embedded file
}
