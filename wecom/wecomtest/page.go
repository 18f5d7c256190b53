package wecomtest

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/wecomq/wecomq/internal/tolerance"
)

// pageMessages is how many of the newest messages the page shows.
const pageMessages = 100

// pagePolicy allows the page its own style and script, and nothing from elsewhere: the browser must not fetch
// the pictures that a message names.
const pagePolicy = "default-src 'none'; img-src data:; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'"

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS []byte
	//go:embed page.js
	pageJS []byte
)

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// page is the data of the page.
type page struct {
	User     string   // show this user's messages; "" for all
	Users    []string // to choose from
	Messages []bubble // newest first
	Stats    Stats
}

// bubble is a message as shown in the app.
type bubble struct {
	Message

	Content block
	Greyed  string // label of the greyed buttons of a changed card
}

// Agent is a short name of the app, for its icon.
func (b bubble) Agent() string {
	id := strconv.FormatInt(b.AgentID, 10)
	return id[max(0, len(id)-2):]
}

// Time is when it arrived, in China.
func (b bubble) Time() string { return b.At.In(china).Format("01-02 15:04:05") }

// Names are the first of some userids.
func (b bubble) Names(ids []string) []string { return ids[:min(len(ids), pageNames)] }

// More counts the ids that [bubble.Names] leaves out.
func (b bubble) More(ids []string) int { return len(ids) - min(len(ids), pageNames) }

// pageNames is how many recipients a message shows.
const pageNames = 12

// handlePage serves the page with the messages.
func (s *Simulator) handlePage() {
	s.mux.HandleFunc("GET /{$}", s.guarded(s.servePage))
	for path, file := range map[string]struct {
		kind string
		data []byte
	}{
		"/page.css": {"text/css; charset=utf-8", pageCSS},
		"/page.js":  {"text/javascript; charset=utf-8", pageJS},
	} {
		s.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", file.kind)
			w.Header().Set("Cache-Control", "no-cache")
			_, _ = w.Write(file.data)
		})
	}
}

// servePage serves the page, or with ?part=messages only the list of messages.
func (s *Simulator) servePage(w http.ResponseWriter, r *http.Request) {
	name := "page"
	if r.URL.Query().Get("part") == "messages" {
		name = "messages"
	}
	var out bytes.Buffer
	if err := pageTemplate.ExecuteTemplate(&out, name, s.page(r.URL.Query().Get("user"))); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", pagePolicy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-store")
	_, _ = w.Write(out.Bytes())
}

func (s *Simulator) page(user string) page {
	user = strings.ToLower(strings.TrimSpace(user))
	newest, seen := s.newest(pageMessages, user)
	p := page{User: user, Users: seen, Stats: s.Stats()}
	for _, m := range newest {
		p.Messages = append(p.Messages, newBubble(m))
	}
	return p
}

// newest returns copies of the newest messages of a user, newest first, and the recent users, for the filter.
func (s *Simulator) newest(limit int, user string) (messages []Message, users []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range slices.Backward(s.arrivals.list) {
		if len(messages) == limit {
			break
		}
		if user == "" || m.concerns(user) {
			messages = append(messages, *m)
		}
	}
	for _, m := range s.arrivals.list[max(0, len(s.arrivals.list)-limit):] {
		users = append(users, m.To[:min(len(m.To), pageNames)]...)
	}
	slices.Sort(users)
	return messages, slices.Compact(users)
}

// newBubble shows a changed card in its current form.
func newBubble(m Message) bubble {
	body, update := reparsed(m.Body), reparsed(m.UpdateBody)
	b := bubble{Message: m, Content: block{body.Obj(m.MsgType)}, Greyed: update.Obj("button").Str("replace_name")}
	if card := update.Obj("template_card"); update.Has("template_card") {
		b.Content, b.Greyed = block{card}, card.Str("replace_text")
	}
	return b
}

// reparsed parses a body that was parsed before; an empty one has no members.
func reparsed(text string) tolerance.Object {
	body, err := tolerance.Parse([]byte(text))
	if err != nil {
		return tolerance.New()
	}
	return body
}
