package ledger

import (
	"strconv"
	"strings"
	"time"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// The fields of a record's hash. state, attempts, attempt_at, attempt_by,
// unknown_since, possible_duplicate, finished_at, turn_at and deferred are the
// scripts' own.
const (
	fieldType           = "type"
	fieldPriority       = "priority"
	fieldEnqueuedAt     = "enqueued_at"
	fieldParts          = "parts"
	fieldErrCode        = "errcode"
	fieldErrMsg         = "errmsg"
	fieldMsgID          = "msgid"
	fieldResponseCode   = "response_code"
	fieldAccepted       = "accepted"
	fieldInvalid        = "invalid"
	fieldUnlicensed     = "unlicensed"
	fieldInvalidParties = "invalid_parties"
	fieldInvalidTags    = "invalid_tags"
)

// listSeparator is WeCom's own: no id contains it.
const listSeparator = "|"

// BeginFields are the fields, {field, value, …}, that a record begins with.
func BeginFields(p tasks.Payload) []any {
	fields := []any{
		fieldType, string(p.Type), fieldPriority, string(p.Priority), fieldEnqueuedAt, p.EnqueuedAt.UnixMilli(),
	}
	if p.Parts > 0 {
		fields = append(fields, fieldParts, p.Parts)
	}
	return fields
}

func settleFields(s tasks.Settlement) []any {
	fields := []any{
		fieldErrCode, s.ErrCode, fieldErrMsg, s.ErrMsg, fieldMsgID, s.MsgID, fieldAccepted, s.Recipients.Accepted,
	}
	for _, optional := range []struct{ field, value string }{
		{fieldResponseCode, s.ResponseCode},
		{fieldInvalid, strings.Join(s.Recipients.Invalid, listSeparator)},
		{fieldUnlicensed, strings.Join(s.Recipients.Unlicensed, listSeparator)},
		{fieldInvalidParties, strings.Join(s.Recipients.InvalidParties, listSeparator)},
		{fieldInvalidTags, strings.Join(s.Recipients.InvalidTags, listSeparator)},
	} {
		if optional.value != "" {
			fields = append(fields, optional.field, optional.value)
		}
	}
	return fields
}

func readRecord(app, id string, f map[string]string) tasks.Record {
	number := func(field string) int64 {
		n, _ := strconv.ParseInt(f[field], 10, 64) // absent is zero
		return n
	}
	return tasks.Record{
		ID: id, App: app, Type: message.Type(f[fieldType]), Priority: tasks.Priority(f[fieldPriority]),
		State: tasks.State(f["state"]), ErrCode: number(fieldErrCode), ErrMsg: f[fieldErrMsg],
		MsgID: f[fieldMsgID], ResponseCode: f[fieldResponseCode], Attempts: int(number("attempts")),
		PossibleDuplicate: f["possible_duplicate"] == "1",
		Recipients: tasks.Recipients{
			Accepted: int(number(fieldAccepted)), Invalid: list(f[fieldInvalid]), Unlicensed: list(f[fieldUnlicensed]),
			InvalidParties: list(f[fieldInvalidParties]), InvalidTags: list(f[fieldInvalidTags]),
		},
		EnqueuedAt: milli(number(fieldEnqueuedAt)), FinishedAt: milli(number("finished_at")),
		PartCount: int(number(fieldParts)), FollowUpCount: groups(f["deferred"]), TurnAt: milli(number("turn_at")),
	}
}

// list never returns nil: the contract's JSON shows [] for none.
func list(joined string) []string {
	if joined == "" {
		return []string{}
	}
	return strings.Split(joined, listSeparator)
}

// groups counts the follow-ups in what internal/pacing writes about those who wait.
func groups(deferred string) int {
	if deferred == "" {
		return 0
	}
	return strings.Count(deferred, ";") + 1
}

func milli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func pairs(flat []string) map[string]string {
	m := make(map[string]string, len(flat)/2)
	for i := 0; i+1 < len(flat); i += 2 {
		m[flat[i]] = flat[i+1]
	}
	return m
}
