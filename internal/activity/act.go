// Package activity keeps a trail in Redis of what users and programs do to apps, messages and broadcasts.
package activity

import (
	"strings"
	"time"
)

// Action is the kind of an act.
type Action string

// is reports whether the action has this name, or this part before its dot.
func (a Action) is(name string) bool {
	kind, _, _ := strings.Cut(string(a), ".")
	return name == string(a) || name == kind
}

// The actions.
const (
	Login        Action = "login"
	Logout       Action = "logout"
	Reload       Action = "reload"        // the config
	ChangeTokens Action = "tokens.change" // the target names them, + added and - removed
	Dashboard    Action = "dashboard"     // a button of asynq's dashboard; the target is its path

	PauseApp  Action = "app.pause"
	ResumeApp Action = "app.resume"
	ResetRate Action = "app.reset_rate"
	ForgetApp Action = "app.forget"

	CancelMessage Action = "message.cancel"
	RecallMessage Action = "message.recall"
	ReplayMessage Action = "message.replay"
	UpdateCard    Action = "card.update"
	ReplayDead    Action = "dead.replay" // all that match
	PurgeDead     Action = "dead.purge"
	Repair        Action = "audit.repair"

	CreateBroadcast  Action = "broadcast.create"
	PauseBroadcast   Action = "broadcast.pause"
	ResumeBroadcast  Action = "broadcast.resume"
	CancelBroadcast  Action = "broadcast.cancel"
	ApproveBroadcast Action = "broadcast.approve"
	RecallBroadcast  Action = "broadcast.recall"
	ReplayBroadcast  Action = "broadcast.replay"
)

// Actions returns all actions.
func Actions() []Action {
	return []Action{
		Login, Logout, Reload, ChangeTokens, Dashboard, PauseApp, ResumeApp, ResetRate, ForgetApp, CancelMessage, RecallMessage,
		ReplayMessage, UpdateCard, ReplayDead, PurgeDead, Repair, CreateBroadcast, PauseBroadcast, ResumeBroadcast,
		CancelBroadcast, ApproveBroadcast, RecallBroadcast, ReplayBroadcast,
	}
}

// The ways to act.
const (
	Command = "cli"
	Gateway = "gateway"
	Signal  = "signal"
)

// Actor is the user or program that acts.
type Actor struct {
	Name string // of a token, or user@host of a command; "" before a login
	Via  string // Command, Gateway or Signal
	From string // address of a client, "" for others
}

// Act is one entry of the trail.
type Act struct {
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	Via    string    `json:"via"`
	From   string    `json:"from,omitempty"`
	Action Action    `json:"action"`
	App    string    `json:"app,omitempty"`
	Target string    `json:"target,omitempty"` // id of a message or broadcast, or what the action says
	// Error is why it failed; it may have been partly done.
	Error string `json:"error,omitempty"`
}
