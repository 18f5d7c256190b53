package printout

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/harmless"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// SumUp appends a summary to a table of dead letters: their number by errcode, and how to replay them. The query
// is the one that selected them.
func (r *Records) SumUp(to io.Writer, q ledger.Query) {
	if table, ok := r.form.(tableWriter); ok {
		r.form = &deadSummary{form: table, to: to, query: q, groups: map[deadGroup]int{}, reason: map[deadGroup]string{}}
	}
}

// deadSummary counts the dead letters of a table, and prints the summary.
type deadSummary struct {
	form

	to     io.Writer
	query  ledger.Query // that selected them
	groups map[deadGroup]int
	reason map[deadGroup]string // of one of them
}

// deadGroup are dead letters with the same error.
type deadGroup struct {
	app     string
	unknown bool
	errCode int64
}

func (s *deadSummary) write(r tasks.Record) error {
	group := deadGroup{r.App, r.State == tasks.Unknown, r.ErrCode}
	s.groups[group]++
	s.reason[group] = r.ErrMsg
	return s.form.write(r)
}

func (s *deadSummary) flush() error {
	if err := s.form.flush(); err != nil {
		return err
	}
	sorted := slices.SortedFunc(maps.Keys(s.groups), func(a, b deadGroup) int {
		return cmp.Or(cmp.Compare(s.groups[b], s.groups[a]), cmp.Compare(a.app, b.app), cmp.Compare(a.errCode, b.errCode))
	})
	for _, group := range sorted {
		if !group.unknown {
			_, _ = fmt.Fprintf(s.to, "%d × %s: %s\n    to send them again, once the cause is gone: wecomq dead replay --app %s --all --errcode %d%s\n",
				s.groups[group], group.app, group.why(s.reason[group]), group.app, group.errCode, sameChoice(s.query))
		}
	}
	for _, group := range sorted {
		if group.unknown {
			_, _ = fmt.Fprintf(s.to, "WARNING: %d × %s: %s\n    WeCom may have delivered them, and a replay may deliver them TWICE: ask a recipient of each, then wecomq dead replay ID\n",
				s.groups[group], group.app, group.why(s.reason[group]))
		}
	}
	return nil
}

// sameChoice are the flags of `dead replay` that select what a list has selected, besides the app and the
// errcode; an age becomes a fixed time.
func sameChoice(q ledger.Query) (flags string) {
	if q.Recipient != "" {
		flags += " --recipient " + shellWord(harmless.Line(q.Recipient))
	}
	const toMilliseconds = "2006-01-02T15:04:05.999Z07:00"
	for _, bound := range []struct {
		flag string
		at   time.Time
	}{{" --since ", q.Since}, {" --until ", q.Until}} {
		if !bound.at.IsZero() {
			flags += bound.flag + bound.at.Format(toMilliseconds)
		}
	}
	return flags
}

// shellWord quotes a word of a command line if a shell would interpret it.
func shellWord(word string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-"
	if strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// why is the errcode with its meaning, or the reason of one of them.
func (g deadGroup) why(reason string) string {
	text := harmless.Excerpt(reason)
	if code := wecom.Code(g.errCode); code != 0 {
		text = fmt.Sprintf("errcode %d", g.errCode)
		if code.Known() {
			text += ", " + code.Meaning()
		}
	}
	if g.unknown {
		return "nobody knows whether they arrived (" + text + ")"
	}
	return text
}
