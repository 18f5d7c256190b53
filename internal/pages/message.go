package pages

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"

	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// messageView is a message on its page.
type messageView struct {
	tasks.Record

	// Body is the body of the message, while its payload exists.
	Body string
	// JSON is the whole record, as the API returns it.
	JSON string

	MayReplay, MayRecall, MayCancel bool
}

func (p *Pages) message(w http.ResponseWriter, r *http.Request) error {
	app, id, err := p.owner(r)
	if err != nil {
		return err
	}
	record, err := app.Finder.Message(r.Context(), id)
	if err != nil {
		return err
	}
	m := messageView{
		Record: record, MayReplay: mayReplay(record), MayCancel: mayCancel(record), MayRecall: mayRecall(record, time.Now()),
	}
	payload, err := app.Finder.Payload(r.Context(), id, record.Type)
	switch {
	case err == nil:
		m.Body = indented(message.FillAgentID(payload.Body, app.AgentID)) // as the worker does
	case !isNotFound(err):
		return err
	}
	whole, err := record.JSON()
	if err != nil {
		return err
	}
	m.JSON = indented(whole)
	return p.render(w, r, http.StatusOK, "message", view{Live: !record.State.Final(), Data: m})
}

// owner is the app of the message in the path, if the token may use it.
func (p *Pages) owner(r *http.Request) (*watched, string, error) {
	id := tasks.MessageID(r.PathValue("id"))
	name, err := tasks.AppOf(id)
	if err != nil {
		return nil, "", gateway.ErrNotFound
	}
	for _, app := range p.mine(gateway.IdentityFrom(r.Context())) {
		if app.Name == name {
			return app, id, nil
		}
	}
	return nil, "", gateway.ErrNotFound
}

// indented is indented JSON.
func indented(data []byte) string {
	var out bytes.Buffer
	if err := json.Indent(&out, data, "", "  "); err != nil {
		return string(data)
	}
	return out.String()
}

// each returns the records of a message: of its parts, or its own.
func each(r tasks.Record) []tasks.Record {
	if len(r.Parts) > 0 {
		return r.Parts
	}
	return []tasks.Record{r}
}

func mayReplay(r tasks.Record) bool {
	if r.Type == tasks.CardUpdateType {
		return false // its card may be updated again
	}
	for _, part := range each(r) {
		refused := part.State == tasks.Partial && part.Recipients.Refused() > 0
		if part.ReplayedAs == "" && (part.State.Dead() || refused) {
			return true
		}
	}
	return false
}

func mayCancel(r tasks.Record) bool {
	for _, part := range each(r) {
		if !part.State.Final() && part.State != tasks.Sending {
			return true
		}
	}
	return false
}

func mayRecall(r tasks.Record, now time.Time) bool {
	for _, part := range each(r) {
		if part.State.Sent() && part.MsgID != "" && part.RecalledAt.IsZero() && now.Sub(part.FinishedAt) < message.RecallWindow {
			return true
		}
	}
	return false
}
