package wecomtest

import "github.com/wecomq/wecomq/wecom"

// recall serves message/recall (page 94867).
func (s *Simulator) recall(c *call) (reply, error) {
	body, err := c.object()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.arrivals.byMsgID[body.Str("msgid")]
	switch {
	case !ok || m.CorpID != c.app.corpID || m.AgentID != c.app.agentID:
		return nil, refuse(40058, "invalid msgid, or message of another app")
	case s.now().Sub(m.At) > wecom.RecallWindow:
		return nil, wecom.Code(42052)
	}
	m.Recalled = true
	return nil, nil
}
