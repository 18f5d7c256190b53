package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/wecomq/wecomq/internal/harmless"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// deadSummary counts the dead letters of a table, and says behind it how to send them again.
type deadSummary struct {
	recordWriter

	to     io.Writer
	groups map[deadGroup]int
	reason map[deadGroup]string // of one of them
}

// deadGroup are dead letters that failed alike.
type deadGroup struct {
	app     string
	unknown bool
	errCode int64
}

func (s *deadSummary) write(r tasks.Record) error {
	if s.groups == nil {
		s.groups, s.reason = map[deadGroup]int{}, map[deadGroup]string{}
	}
	group := deadGroup{r.App, r.State == tasks.Unknown, r.ErrCode}
	s.groups[group]++
	s.reason[group] = r.ErrMsg
	return s.recordWriter.write(r)
}

func (s *deadSummary) flush() error {
	if err := s.recordWriter.flush(); err != nil {
		return err
	}
	sorted := slices.SortedFunc(maps.Keys(s.groups), func(a, b deadGroup) int {
		return cmp.Or(cmp.Compare(s.groups[b], s.groups[a]), cmp.Compare(a.app, b.app), cmp.Compare(a.errCode, b.errCode))
	})
	for _, group := range sorted {
		if !group.unknown {
			_, _ = fmt.Fprintf(s.to, "%d × %s: %s\n    to send them again, once the cause is gone: wecomq dead replay --app %s --all --errcode %d\n",
				s.groups[group], group.app, group.why(s.reason[group]), group.app, group.errCode)
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

// why is the errcode with its meaning, or what one of them says.
func (g deadGroup) why(reason string) string {
	text := excerpt(harmless.Line(reason))
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
