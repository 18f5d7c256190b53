package broadcast

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/tasks"
)

// outcome is what became of a call. broadcast.lua of internal/ledger writes it as
//
//	<call>[.<follow-up>] <state> <seconds since the creation> <errcode>[ twice]\n
//	<length of the msgid, one byte><msgid, packed>
//
// and, unless all of it is empty,
//
//	<invalid>\n<unlicensed>\n<who got a follow-up>\n<recipients of a follow-up>\n<errmsg>
//
// with WeCom's separator between users. "twice" means that WeCom may have delivered an earlier attempt as
// well.
type outcome struct {
	call     int
	followUp bool
	twice    bool
	state    tasks.State
	after    time.Duration
	errcode  int64
	errmsg   string
	msgid    string

	invalid, unlicensed, waiting, users []string
}

func readOutcome(text string) (outcome, error) {
	header, rest, _ := strings.Cut(text, "\n")
	names := strings.Fields(header)
	if len(names) < 4 || len(names) > 5 || rest == "" || len(rest) < 1+int(rest[0]) {
		return outcome{}, fmt.Errorf("broadcast: %.100q is not the outcome of a call", text)
	}
	call, followUp, _ := strings.Cut(names[0], ".")
	o := outcome{followUp: followUp != "", twice: len(names) == 5, state: tasks.State(names[1])}
	var err error
	if o.call, err = strconv.Atoi(call); err != nil {
		return outcome{}, fmt.Errorf("broadcast: the outcome of call %q: %w", call, err)
	}
	seconds, _ := strconv.ParseInt(names[2], 10, 64)
	o.after = time.Duration(seconds) * time.Second
	o.errcode, _ = strconv.ParseInt(names[3], 10, 64)
	length := 1 + int(rest[0])
	o.msgid = ledger.UnpackMsgID([]byte(rest[1:length]))
	lists := strings.SplitN(rest[length:], "\n", 5)
	for i, list := range []*[]string{&o.invalid, &o.unlicensed, &o.waiting, &o.users} {
		if i < len(lists) && lists[i] != "" {
			*list = strings.Split(lists[i], "|")
		}
	}
	if len(lists) == 5 {
		o.errmsg = lists[4]
	}
	return o, nil
}
