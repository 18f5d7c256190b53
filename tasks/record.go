package tasks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/wecomq/wecomq/message"
)

// Record is what is known about a message. `wecomq result` prints its JSON, and the asynq dashboard shows it
// as the task's result.
type Record struct {
	ID       string       `json:"id"`
	App      string       `json:"app"`
	Type     message.Type `json:"type"`
	Priority Priority     `json:"priority"`
	State    State        `json:"state"`
	ErrCode  int64        `json:"errcode"` // of the last attempt; 0 also when WeCom did not answer
	ErrMsg   string       `json:"errmsg"`  // why it was not accepted
	MsgID    string       `json:"msgid"`   // WeCom's id, needed to recall
	// ResponseCode updates a template card, once, within 72 h (94888).
	ResponseCode string `json:"response_code"`
	// PossibleDuplicate is set when the message was sent again though WeCom may
	// have taken an earlier attempt.
	PossibleDuplicate bool       `json:"possible_duplicate,omitempty"`
	Attempts          int        `json:"attempts"`
	Recipients        Recipients `json:"recipients"`
	EnqueuedAt        time.Time  `json:"enqueued_at,omitzero"`
	FinishedAt        time.Time  `json:"finished_at,omitzero"`
	// RecalledAt is when the message was recalled.
	RecalledAt time.Time `json:"recalled_at,omitzero"`
	// ReplayedAs is the id of the message that replaces this one; ReplayOf, in the record of that message,
	// points back.
	ReplayedAs string `json:"replayed_as,omitempty"`
	ReplayOf   string `json:"replay_of,omitempty"`
	// UpdatedAs is the id of the update that has, or may have, used the card's response_code, since
	// UpdatedAt; UpdateOf, in the record of that update, points back.
	UpdatedAs string    `json:"updated_as,omitempty"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
	UpdateOf  string    `json:"update_of,omitempty"`
	// Updates counts the updates that used the code: the last one and those that failed.
	Updates int `json:"-"`
	// Actor is the sender: the name of a token, user@host of a command, or webhook; "" if unknown, as in
	// messages of older versions.
	Actor string `json:"actor,omitempty"`
	// ProcessAt is when a scheduled message is due.
	ProcessAt time.Time `json:"process_at,omitzero"`
	// WaitsFor is To while the message is unfinished. It exists in JSON only.
	WaitsFor *Addressees `json:"to,omitempty"`
	// To are the recipients that the message names; after an attempt, those of the last one.
	To message.Recipients `json:"-"`
	// PartCount is how many parts the message was split into, 0 if it was not. Parts are the records of those
	// that have one, in order.
	PartCount int      `json:"-"`
	Parts     []Record `json:"parts,omitempty"`
	// TurnAt is when a held message is sent: its recipients' turn under WeCom's limits.
	TurnAt time.Time `json:"turn_at,omitzero"`
	// FollowUps are the users, in lower case, of each follow-up of this message; their records are among
	// Parts.
	FollowUps [][]string `json:"-"`
}

// Addressees are the recipients that a message names, in JSON.
type Addressees struct {
	Users   []string `json:"users,omitempty"` // userids, or only "@all"
	Parties []string `json:"parties,omitempty"`
	Tags    []string `json:"tags,omitempty"`
}

// JSON returns the record in one line, with < > & unescaped.
func (r Record) JSON() ([]byte, error) {
	text, err := r.MarshalJSON() // the encoder would check and copy what this returns
	if err != nil {
		return nil, fmt.Errorf("encode record %s: %w", r.ID, err)
	}
	return text, nil
}

// MarshalJSON includes the recipients of an unfinished message. Finished messages may have many; those who
// did not get it are named anyway.
func (r Record) MarshalJSON() ([]byte, error) {
	type plain Record
	p := plain(r)
	if !r.State.Final() && r.To.Count() > 0 {
		to := Addressees(r.To)
		p.WaitsFor = &to
	}
	return encode(p)
}

func encode(value any) ([]byte, error) {
	buf := bytes.NewBuffer(make([]byte, 0, 512)) // what most records need
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(value)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}

// Unlisted reports whether WeCom accepted the message for members that it does not name: those of a
// department or a tag, or everyone. Nobody can tell which of them got it: WeCom does not report the members
// it left out because of their limit.
func (r Record) Unlisted() bool {
	return r.State.Sent() && (r.To.All() || len(r.To.Parties)+len(r.To.Tags) > 0)
}

// Merge makes one record of the parts of a message that was split: counts add
// up, and the state is the one that needs attention most.
func Merge(parts []Record) Record {
	whole := parts[0]
	if len(parts) == 1 {
		return whole
	}
	whole.Parts = parts
	whole.Attempts, whole.Recipients = 0, Recipients{Invalid: []string{}, Unlicensed: []string{}}
	whole.To, whole.ReplayedAs = message.Recipients{}, "" // each part has its own
	whole.UpdatedAs, whole.UpdateOf = "", MessageID(whole.UpdateOf)
	whole.RecalledAt = recalledAt(parts)
	for _, part := range parts {
		whole.Attempts += part.Attempts
		whole.To = message.Recipients{
			Users: append(whole.To.Users, part.To.Users...), Parties: append(whole.To.Parties, part.To.Parties...),
			Tags: append(whole.To.Tags, part.To.Tags...),
		}
		whole.Recipients = whole.Recipients.add(part.Recipients)
		if whole.UpdatedAs == "" && part.UpdatedAs != "" {
			whole.UpdatedAs, whole.UpdatedAt = MessageID(part.UpdatedAs), part.UpdatedAt
		}
		whole.PossibleDuplicate = whole.PossibleDuplicate || part.PossibleDuplicate
		if urgency(part.State) > urgency(whole.State) {
			whole.State, whole.ErrCode, whole.ErrMsg, whole.TurnAt = part.State, part.ErrCode, part.ErrMsg, part.TurnAt
		}
		if part.FinishedAt.After(whole.FinishedAt) {
			whole.FinishedAt = part.FinishedAt
		}
	}
	whole.Recipients.Deferred = 0 // they are counted in the records of the follow-ups
	if !whole.State.Final() {
		whole.FinishedAt = time.Time{}
	}
	if whole.State != Accepted && whole.State.Final() && anySent(parts) {
		whole.State = Partial
	}
	return whole
}

// recalledAt is when the last part was recalled, zero while one is not.
func recalledAt(parts []Record) time.Time {
	var last time.Time
	for _, part := range parts {
		if part.State.Sent() && part.RecalledAt.IsZero() {
			return time.Time{}
		}
		if part.RecalledAt.After(last) {
			last = part.RecalledAt
		}
	}
	return last
}

func anySent(parts []Record) bool {
	for _, part := range parts {
		if part.State.Sent() {
			return true
		}
	}
	return false
}

// urgency orders the states of parts: unfinished ones first, then failed ones.
func urgency(s State) int {
	order := []State{Accepted, Partial, Cancelled, Expired, Rejected, Unknown, Scheduled, Queued, Held, Sending}
	for i, state := range order {
		if s == state {
			return i
		}
	}
	return -1
}
