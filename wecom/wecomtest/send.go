package wecomtest

import (
	"crypto/sha256"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/tolerance"
	"github.com/wecomq/wecomq/wecom"
)

// The interval of the duplicate check in seconds (page 90236). WeCom does not document other values; here,
// more than the maximum means the maximum and less than a second the default.
const (
	defaultDuplicateInterval = 1800
	maxDuplicateInterval     = 14400
)

type sendReply struct {
	status
	InvalidUser    string `json:"invaliduser,omitempty"`
	InvalidParty   string `json:"invalidparty,omitempty"`
	InvalidTag     string `json:"invalidtag,omitempty"`
	UnlicensedUser string `json:"unlicenseduser,omitempty"`
	MsgID          string `json:"msgid,omitempty"`
	ResponseCode   string `json:"response_code,omitempty"`
}

// duplicateKey is one app's request body. WeCom compares "request json" (page 90236); it is unknown whether
// by bytes or by meaning. Here it is by bytes.
type duplicateKey struct {
	app  appKey
	body [sha256.Size]byte
}

// send serves message/send (page 90236).
func (s *Simulator) send(c *call) (reply, error) {
	body, err := c.object()
	if err != nil {
		return nil, err
	}
	content, err := s.judge(c).Message(body)
	if err != nil {
		return nil, err
	}
	to, err := newAudience(c.dir, body)
	rep := &sendReply{
		InvalidUser:    strings.Join(to.invalidUsers, "|"),
		InvalidParty:   strings.Join(to.invalidParties, "|"),
		InvalidTag:     strings.Join(to.invalidTags, "|"),
		UnlicensedUser: strings.Join(to.unlicensed, "|"),
	}
	if err != nil {
		return rep, err
	}
	m := newMessage(c, body, content, to)
	if err := s.deliver(c, body, &m, to); err != nil {
		return nil, err
	}
	rep.MsgID, rep.ResponseCode = m.MsgID, m.responseCode
	return rep, nil
}

// judge checks messages of the calling app.
func (s *Simulator) judge(c *call) tolerance.Judge {
	return tolerance.Judge{
		Agent: c.checkAgent,
		Files: func(id, kind string) error { return s.checkMedia(c, id, kind) },
	}
}

// checkAgent compares the agentid of a body with the app the token belongs to.
func (c *call) checkAgent(body tolerance.Object) error {
	id, err := tolerance.Agent(body)
	if err == nil && id != c.app.agentID {
		err = wecom.Code(301002)
	}
	return err
}

// deliver delivers the message: to nobody if it is a duplicate, otherwise to every recipient whose windows
// have room.
func (s *Simulator) deliver(c *call, body tolerance.Object, m *Message, to audience) error {
	interval := duplicateInterval(body)
	var key duplicateKey
	if interval > 0 {
		key = duplicateKey{app: c.app.appKey, body: sha256.Sum256(c.raw)}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m.At = s.now()
	if until, ok := s.duplicates.get(key); interval > 0 && ok && m.At.Before(until) {
		m.Suppressed = true
		s.stats.Suppressed++
		s.arrivals.add(*m, c.dir.rules.Keep)
		return nil
	}
	if err := c.app.spend(c.dir.rules, len(to.users), m.At); err != nil {
		return err
	}
	if interval > 0 {
		s.duplicates.put(key, m.At.Add(interval))
	}
	m.To, m.Dropped = c.app.deliver(c.dir.rules, to.users, m.At)
	s.stats.Delivered += int64(len(m.To))
	s.stats.Dropped += int64(len(m.Dropped))
	s.arrivals.add(*m, c.dir.rules.Keep)
	return nil
}

// duplicateInterval is how long the same body counts as a duplicate, 0 if the sender did not ask for the
// check. It counts from the first message; it is unknown whether WeCom's interval slides.
func duplicateInterval(body tolerance.Object) time.Duration {
	if body.Flag("enable_duplicate_check") != 1 {
		return 0
	}
	seconds := min(body.Flag("duplicate_check_interval"), maxDuplicateInterval)
	if seconds < 1 {
		seconds = defaultDuplicateInterval
	}
	return time.Duration(seconds) * time.Second
}
