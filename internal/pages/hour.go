package pages

import (
	"cmp"
	"slices"

	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// summarize counts records, newest first, by state and by error.
func summarize(found ledger.Newest) hour {
	h := hour{States: map[tasks.State]int{}, More: found.More}
	type reason struct {
		code  wecom.Code
		state tasks.State
	}
	place := map[reason]int{}
	for _, r := range found.Records {
		h.States[r.State]++
		if !failed(r) {
			continue
		}
		why := reason{code: wecom.Code(r.ErrCode)}
		if why.code == 0 {
			why.state = r.State
		}
		at, known := place[why]
		if !known {
			at = len(h.Errors)
			place[why] = at
			h.Errors = append(h.Errors, failure{Code: why.code, State: why.state, ErrMsg: r.ErrMsg, Example: tasks.MessageID(r.ID)})
		}
		h.Errors[at].Count++
	}
	slices.SortStableFunc(h.Errors, func(a, b failure) int { return cmp.Compare(b.Count, a.Count) })
	return h
}

// failed reports whether a record needs attention.
func failed(r tasks.Record) bool {
	if r.State.Final() {
		return r.State.Failed()
	}
	return r.ErrCode != 0
}
