package ledger

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// The fields of a record's hash. Only the scripts use state, attempts, attempt_at, attempt_by, unknown_since,
// possible_duplicate, finished_at, turn_at, deferred, updated_as, updated_with, updated_at and updates.
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
	fieldToUser         = "to_user"
	fieldToParty        = "to_party"
	fieldToTag          = "to_tag"
	fieldReplayOf       = "replay_of"
	fieldReplayedAs     = "replayed_as"
	fieldRecalledAt     = "recalled_at"
	fieldUpdateOf       = "update_of"
	fieldActor          = "actor"
)

// listSeparator is WeCom's separator: no id contains it.
const listSeparator = "|"

// BeginFields are the initial fields of a record, {field, value, …}.
func BeginFields(p tasks.Payload) []any {
	fields := []any{
		fieldType, string(p.Type), fieldPriority, string(p.Priority), fieldEnqueuedAt, p.EnqueuedAt.UnixMilli(),
	}
	if p.Parts > 0 {
		fields = append(fields, fieldParts, p.Parts)
	}
	to := addressees(p.Body)
	fields = appendOptional(fields, fieldReplayOf, p.ReplayOf)
	fields = appendOptional(fields, fieldUpdateOf, p.UpdateOf)
	fields = appendOptional(fields, fieldActor, p.Actor)
	return appendAddressees(fields, to.ToUser, to.ToParty, to.ToTag)
}

// settleFields are the fields that a settlement sets.
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
		fields = appendOptional(fields, optional.field, optional.value)
	}
	return fields
}

func appendOptional(fields []any, field, value string) []any {
	if value == "" {
		return fields
	}
	return append(fields, field, value)
}

func readRecord(app, id string, f map[string]string) tasks.Record {
	number := func(field string) int64 {
		if f[field] == "" {
			return 0 // an error of ParseInt would take memory
		}
		n, _ := strconv.ParseInt(f[field], 10, 64)
		return n
	}
	to := (&message.SendRequestCommon{ToUser: f[fieldToUser], ToParty: f[fieldToParty], ToTag: f[fieldToTag]}).Recipients()
	followUps := readDeferred(f["deferred"])
	deferred := slices.Concat(followUps...)
	to.Users = slices.DeleteFunc(to.Users, func(user string) bool { return slices.Contains(deferred, strings.ToLower(user)) })
	record := tasks.Record{
		ID: id, App: app, Type: message.Type(f[fieldType]), Priority: tasks.Priority(f[fieldPriority]),
		State: tasks.State(f["state"]), ErrCode: number(fieldErrCode), ErrMsg: f[fieldErrMsg],
		MsgID: f[fieldMsgID], ResponseCode: f[fieldResponseCode], Attempts: int(number("attempts")),
		PossibleDuplicate: f["possible_duplicate"] == "1",
		Recipients: tasks.Recipients{
			Accepted: int(number(fieldAccepted)), Invalid: list(f[fieldInvalid]), Unlicensed: list(f[fieldUnlicensed]),
			InvalidParties: list(f[fieldInvalidParties]), InvalidTags: list(f[fieldInvalidTags]),
			Deferred: len(deferred),
		},
		EnqueuedAt: milli(number(fieldEnqueuedAt)), FinishedAt: milli(number("finished_at")), RecalledAt: milli(number(fieldRecalledAt)),
		PartCount: int(number(fieldParts)), FollowUps: followUps, TurnAt: milli(number("turn_at")),
		To: to, ReplayOf: f[fieldReplayOf], ReplayedAs: f[fieldReplayedAs],
		UpdateOf: f[fieldUpdateOf], UpdatedAs: f["updated_as"], UpdatedAt: milli(number("updated_at")), Updates: int(number("updates")),
		Actor: f[fieldActor],
	}
	record.Recipients = record.Recipients.WithOutcome(record.State, to.Count())
	return record
}

// addressees reads the recipients from a body: none, if it is the body of neither a message nor the update of a card.
func addressees(body []byte) message.SendRequestCommon {
	users, parties, tags := message.Addressees(body)
	if users != "" || parties != "" || tags != "" {
		return message.SendRequestCommon{ToUser: users, ToParty: parties, ToTag: tags}
	}
	var update struct {
		UserIDs  []string `json:"userids"`
		PartyIDs []int    `json:"partyids"`
		TagIDs   []int    `json:"tagids"`
		AtAll    int      `json:"atall"`
	}
	_ = json.Unmarshal(body, &update)
	to := message.UpdateTemplateCardRequest{UserIDs: update.UserIDs, PartyIDs: update.PartyIDs, TagIDs: update.TagIDs, AtAll: update.AtAll}.Recipients()
	return message.SendRequestCommon{
		ToUser: strings.Join(to.Users, listSeparator), ToParty: strings.Join(to.Parties, listSeparator), ToTag: strings.Join(to.Tags, listSeparator),
	}
}

// Addressees reads the recipients from a body: none, if it is not the body of a message.
func Addressees(body []byte) message.Recipients {
	to := addressees(body)
	return to.Recipients()
}

func appendAddressees(fields []any, users, parties, tags string) []any {
	fields = appendOptional(fields, fieldToUser, users)
	fields = appendOptional(fields, fieldToParty, parties)
	return appendOptional(fields, fieldToTag, tags)
}

// list never returns nil, so that JSON shows an empty list as [].
func list(joined string) []string {
	if joined == "" {
		return []string{}
	}
	return strings.Split(joined, listSeparator)
}

// readDeferred reads the users of each follow-up from <turn>=<user>|<user>;…, which internal/pacing writes.
func readDeferred(text string) [][]string {
	if text == "" {
		return nil
	}
	var followUps [][]string
	for group := range strings.SplitSeq(text, ";") {
		_, users, _ := strings.Cut(group, "=")
		followUps = append(followUps, strings.Split(users, listSeparator))
	}
	return followUps
}

func milli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
