package dashboard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// shownPayload is a message in the dashboard, as one line of JSON.
type shownPayload struct {
	To        string `json:"to,omitempty"`
	Text      string `json:"text,omitempty"`
	Part      string `json:"part,omitempty"`
	ReplayOf  string `json:"replay_of,omitempty"`
	UpdateOf  string `json:"update_of,omitempty"`
	ExpiresAt string `json:"expires_at,omitempty"`
	Problem   string `json:"problem,omitempty"`
}

// FormatPayload formats a task's payload. It is called for every task of a page.
func FormatPayload(typeName string, payload []byte) string {
	if _, err := tasks.ParseTypeName(typeName); err != nil {
		return foreign(payload)
	}
	p, err := tasks.Decode(typeName, payload)
	if err != nil {
		return oneLine(shownPayload{Problem: clean(err.Error())})
	}
	shown := shownPayload{To: whom(p.Body), Text: clean(maskText(wording(p.Body, string(p.Type)))), ReplayOf: p.ReplayOf, UpdateOf: p.UpdateOf}
	if p.Parts > 0 {
		shown.Part = fmt.Sprintf("%d of %d", p.Part, p.Parts)
	}
	if !p.ExpiresAt.IsZero() {
		shown.ExpiresAt = p.ExpiresAt.UTC().Format("2006-01-02T15:04:05Z")
	}
	return oneLine(shown)
}

// shownResult is a record in the dashboard.
type shownResult struct {
	State    tasks.State `json:"state"`
	ErrCode  int64       `json:"errcode,omitempty"`
	ErrMsg   string      `json:"errmsg,omitempty"`
	Hint     string      `json:"hint,omitempty"`
	Accepted int         `json:"accepted"`
	Refused  string      `json:"refused,omitempty"`
	Attempts int         `json:"attempts"`
	MsgID    string      `json:"msgid,omitempty"`
}

// FormatResult formats a task's result, which is the record of its message.
func FormatResult(_ string, result []byte) string {
	var r tasks.Record
	if err := json.Unmarshal(result, &r); err != nil || r.ID == "" {
		return foreign(result)
	}
	shown := shownResult{
		State: r.State, ErrCode: r.ErrCode, ErrMsg: clean(maskText(r.ErrMsg)), Accepted: r.Recipients.Accepted,
		Refused: refused(r.Recipients), Attempts: r.Attempts, MsgID: r.MsgID,
	}
	if r.ErrCode != 0 {
		shown.Hint = wecom.Code(r.ErrCode).Hint()
	}
	return oneLine(shown)
}

func refused(r tasks.Recipients) string {
	var groups []string
	for _, g := range []struct {
		what string
		ids  []string
	}{
		{"invalid", maskUsers(r.Invalid)},
		{"unlicensed", maskUsers(r.Unlicensed)},
		{"invalid departments", r.InvalidParties},
		{"invalid tags", r.InvalidTags},
	} {
		if len(g.ids) > 0 {
			groups = append(groups, g.what+": "+few(g.ids))
		}
	}
	return clean(strings.Join(groups, "; "))
}

// whom lists the recipients of a body.
func whom(body []byte) string {
	var to struct {
		ToUser  string `json:"touser"`
		ToParty string `json:"toparty"`
		ToTag   string `json:"totag"`
	}
	if err := json.Unmarshal(body, &to); err != nil {
		return "?"
	}
	all := (&message.SendRequestCommon{ToUser: to.ToUser, ToParty: to.ToParty, ToTag: to.ToTag}).Recipients()
	var groups []string
	if len(all.Users) > 0 {
		groups = append(groups, few(maskUsers(all.Users)))
	}
	if len(all.Parties) > 0 {
		groups = append(groups, "departments "+few(all.Parties))
	}
	if len(all.Tags) > 0 {
		groups = append(groups, "tags "+few(all.Tags))
	}
	return clean(strings.Join(groups, "; "))
}

func maskUsers(ids []string) []string {
	masked := make([]string, len(ids))
	for i, id := range ids {
		masked[i] = maskUser(id)
	}
	return masked
}

// few lists the first of some.
func few(ids []string) string {
	const most = 3
	if len(ids) <= most {
		return strings.Join(ids, ", ")
	}
	return fmt.Sprintf("%s, +%d", strings.Join(ids[:most], ", "), len(ids)-most)
}

// maxWording is how many bytes are searched for numbers to mask; an article of mpnews has up to 666 KB.
const maxWording = 4 << 10

// wording is the readable text of a message, of any type.
func wording(body []byte, msgType string) string {
	var all map[string]any
	if err := json.Unmarshal(body, &all); err != nil {
		return ""
	}
	text := strings.Join(words(all[msgType], nil), " · ")
	return text[:min(len(text), maxWording)]
}

// wordKeys are the members with readable text, in display order.
var wordKeys = []string{
	"title", "main_title", "emphasis_content", "sub_title_text", "content", "description", "desc", "articles", "media_id",
}

// words collects the texts of a part of a message, including nested ones.
func words(value any, found []string) []string {
	switch v := value.(type) {
	case string:
		if text := strings.TrimSpace(v); text != "" {
			return append(found, text)
		}
	case []any:
		for _, item := range v {
			found = words(item, found)
		}
	case map[string]any:
		for _, key := range wordKeys {
			found = words(v[key], found)
		}
	}
	return found
}

// foreign formats the payload of a task that is not ours.
func foreign(data []byte) string { return clean(maskText(string(data))) }

// oneLine is a value as readable JSON, with < > & unescaped: asynqmon's page escapes its output.
func oneLine(value any) string {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(buf.String(), "\n")
}
