package main

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/tasks"
)

// span has the flags that select a period.
type span struct{ since, until string }

func (s *span) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.since, "since", "", "only changed since this `TIME`: RFC 3339, or an age, e.g. 90m or 24h")
	cmd.Flags().StringVar(&s.until, "until", "", "only changed until this `TIME`")
}

// times are zero where there is no bound.
func (s *span) times(now time.Time) (since, until time.Time, err error) {
	if since, err = moment("--since", s.since, now); err != nil {
		return since, until, err
	}
	if until, err = moment("--until", s.until, now); err != nil {
		return since, until, err
	}
	if !since.IsZero() && !until.IsZero() && until.Before(since) {
		err = usagef("--until: %s is before --since, %s", until.Format(time.RFC3339), since.Format(time.RFC3339))
	}
	return since, until, err
}

// selection has the flags that select records.
type selection struct {
	span

	states    []string
	errCode   int64
	recipient string
}

func (s *selection) register(cmd *cobra.Command) {
	s.span.register(cmd)
	flags := cmd.Flags()
	flags.StringSliceVar(&s.states, "state", nil, "only in these `STATES`, e.g. rejected,unknown")
	flags.Int64Var(&s.errCode, "errcode", 0, "only with this `ERRCODE` from WeCom at the last attempt")
	flags.StringVar(&s.recipient, "recipient", "", "only to this `USER`, party or tag, named in the message")
}

// query checks the flags. 0 is a valid errcode, so withErrCode says whether it was given.
func (s *selection) query(withErrCode bool, now time.Time) (ledger.Query, error) {
	q := ledger.Query{Recipient: s.recipient}
	if withErrCode {
		q.ErrCode = &s.errCode
	}
	for _, name := range s.states {
		state := tasks.State(name)
		if !slices.Contains(tasks.States(), state) {
			return q, usagef("--state: %q is not one of %s", name, stateNames())
		}
		q.States = append(q.States, state)
	}
	var err error
	q.Since, q.Until, err = s.times(now)
	return q, err
}

func stateNames() string {
	names := make([]string, len(tasks.States()))
	for i, state := range tasks.States() {
		names[i] = string(state)
	}
	return strings.Join(names, ", ")
}

// moment parses a time, or a duration before now.
func moment(flag, value string, now time.Time) (time.Time, error) {
	at, err := lookup.Moment(value, now)
	if err != nil {
		return at, usagef("%s: %w", flag, err)
	}
	return at, nil
}
