package wecomtest

import (
	"time"

	"github.com/wecomq/wecomq/internal/tolerance"
)

// Message is one message/send that WeCom accepted.
type Message struct {
	// Seq numbers the messages from 1 in the order of acceptance.
	Seq int64     `json:"seq"`
	At  time.Time `json:"at"`

	MsgID   string `json:"msgid"`
	CorpID  string `json:"corp_id"`
	AgentID int64  `json:"agent_id"`
	MsgType string `json:"msgtype"`

	// Title and Text are as shown to users, cut where WeCom cuts: of articles the first, of a card its main
	// title and its subtitle.
	Title string `json:"title,omitempty"`
	Text  string `json:"text,omitempty"`
	// Body is the exact request body.
	Body string `json:"body"`

	// To are the userids it was delivered to, lower-cased, including the known members of parties and tags;
	// ToAll is set for @all.
	To    []string `json:"to"`
	ToAll bool     `json:"to_all,omitempty"`
	// Parties and Tags are the existing ids it was sent to.
	Parties []string `json:"parties,omitempty"`
	Tags    []string `json:"tags,omitempty"`
	// Dropped are the userids over their limit, which WeCom does not report.
	Dropped []string `json:"dropped,omitempty"`
	// The recipients reported as invalid or unlicensed.
	InvalidUsers   []string `json:"invalid_users,omitempty"`
	InvalidParties []string `json:"invalid_parties,omitempty"`
	InvalidTags    []string `json:"invalid_tags,omitempty"`
	Unlicensed     []string `json:"unlicensed,omitempty"`

	// Suppressed is set for a duplicate: accepted, with a msgid, but not delivered.
	Suppressed bool `json:"suppressed,omitempty"`
	Recalled   bool `json:"recalled,omitempty"`
	// Updated is set for a card that was changed. Title and Text are then those of the new card, and
	// UpdateBody is the body of the update.
	Updated    bool   `json:"updated,omitempty"`
	UpdateBody string `json:"update_body,omitempty"`

	responseCode string // of a card that calls back
	interactive  bool   // a card whose buttons can be greyed
}

func newMessage(c *call, body tolerance.Object, ct *tolerance.Content, to audience) Message {
	m := Message{
		MsgID:          nonce(64),
		CorpID:         c.app.corpID,
		AgentID:        c.app.agentID,
		MsgType:        body.Str("msgtype"),
		Title:          ct.Title,
		Text:           ct.Text,
		Body:           string(c.raw),
		To:             []string{},
		ToAll:          to.everyone,
		Parties:        to.parties,
		Tags:           to.tags,
		InvalidUsers:   to.invalidUsers,
		InvalidParties: to.invalidParties,
		InvalidTags:    to.invalidTags,
		Unlicensed:     to.unlicensed,
		interactive:    ct.Interactive,
	}
	if ct.Callback {
		m.responseCode = nonce(48)
	}
	return m
}
