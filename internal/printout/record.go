package printout

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/wecomq/wecomq/internal/harmless"
	"github.com/wecomq/wecomq/internal/locale"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// Record prints all details of a message, with reasons in a language.
func Record(out io.Writer, r tasks.Record, l wecom.Language) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"id", r.ID},
		{"state", string(r.State)},
		{"type", fmt.Sprintf("%s, priority %s", r.Type, r.Priority)},
		{"errcode", strconv.FormatInt(r.ErrCode, 10)},
		{"errmsg", locale.Reason(l, r.ErrMsg)},
		{"msgid", r.MsgID},
		{"response_code", r.ResponseCode},
		{"attempts", strconv.Itoa(r.Attempts)},
		{"to", addressees(r.To, 20)},
		{"recipients", Recipients(r.Recipients)},
		{"note", unlisted(r)},
		{"sent by", harmless.Line(r.Actor)},
		{"enqueued", Time(r.EnqueuedAt)},
		{"due", Time(r.ProcessAt)},
		{"its turn", Time(r.TurnAt)},
		{"finished", Time(r.FinishedAt)},
		{"recalled", Time(r.RecalledAt)},
		{"replay of", r.ReplayOf},
		{"replayed as", r.ReplayedAs},
		{"updated as", updatedAs(r)},
		{"update of", r.UpdateOf},
		{"parts", parts(r)},
		{"warning", warning(r)},
	} {
		if row[1] != "" {
			_, _ = fmt.Fprintf(w, "%s\t%s\n", row[0], row[1])
		}
	}
	_, _ = fmt.Fprintln(w)
	return w.Flush()
}

// Recipients summarises the states of recipients.
func Recipients(r tasks.Recipients) string {
	texts := []string{fmt.Sprintf("%d accepted", r.Accepted)}
	for _, refused := range []struct {
		ids  []string
		what string
	}{
		{r.Invalid, "invalid"},
		{r.Unlicensed, "unlicensed"},
		{r.InvalidParties, "invalid parties"},
		{r.InvalidTags, "invalid tags"},
	} {
		if len(refused.ids) > 0 {
			texts = append(texts, fmt.Sprintf("%d %s (%s)", len(refused.ids), refused.what, strings.Join(refused.ids, " ")))
		}
	}
	for _, rest := range []struct {
		n    int
		what string
	}{
		{r.Deferred, "deferred"},
		{r.Rejected, "rejected"},
		{r.Unknown, "unknown"},
		{r.Expired, "expired"},
		{r.Cancelled, "cancelled"},
	} {
		if rest.n > 0 {
			texts = append(texts, fmt.Sprintf("%d %s", rest.n, rest.what))
		}
	}
	return strings.Join(texts, ", ")
}

// unlisted says who may not have received a message although WeCom has accepted it.
func unlisted(r tasks.Record) string {
	if !r.Unlisted() {
		return ""
	}
	return "WeCom does not say who of a department, a tag or everyone has got it; members who have had 30 messages from " +
		"the app within a minute, or 1000 within an hour, may be missing"
}

// updatedAs names the update that has the card's response_code.
func updatedAs(r tasks.Record) string {
	if r.UpdatedAs == "" {
		return ""
	}
	return r.UpdatedAs + ", enqueued at " + Time(r.UpdatedAt)
}

func parts(r tasks.Record) string {
	if len(r.Parts) == 0 {
		return ""
	}
	texts := make([]string, len(r.Parts))
	for i, part := range r.Parts {
		texts[i] = fmt.Sprintf("%s %s", part.ID, part.State)
	}
	return strings.Join(texts, ", ")
}

func warning(r tasks.Record) string {
	if r.PossibleDuplicate {
		return "sent again after an attempt without an answer: it may have arrived twice"
	}
	return ""
}
