package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/intake"
	"github.com/wecomq/wecomq/internal/problem"
)

// accessLife is how long an access token is valid: two hours, like WeCom's (91039).
const accessLife = 2 * time.Hour

type tokenReply struct {
	wecomStatus

	AccessToken string `json:"access_token,omitempty"`
	ExpiresIn   int    `json:"expires_in,omitempty"` // seconds
}

// getToken serves gettoken, with a gateway token as the corpsecret. It does not need Redis, because Alertmanager
// drops an alert when gettoken fails.
func (c *wecomCall) getToken() (wecomReply, error) {
	given, err := c.credentials()
	if err != nil {
		return nil, err
	}
	secret, corpID := given.Get("corpsecret"), given.Get("corpid")
	if secret == "" {
		return nil, refuse(41004, "corpsecret missing")
	}
	if corpID == "" {
		return nil, refuse(41002, "corpid missing")
	}
	identity, err := c.admit(c.r, DoorGetToken, secret)
	if _, wait := errors.AsType[*problem.WaitError](err); wait {
		return nil, err
	}
	if errors.Is(err, errTokenEnded) {
		return nil, refuse(40001, "invalid credential: %v", err)
	}
	if err != nil {
		return nil, &hintedError{refuse(40001, "invalid credential: corpsecret must be a token of the gateway"), howToMakeToken}
	}
	c.r = c.withIdentity(c.r, identity)
	if !identity.Has(config.ScopeSend) {
		return nil, refuse(48002, "token %q lacks the scope send", identity.Name())
	}
	if identity.narrow(corpID); len(identity.apps) == 0 {
		return nil, refuse(40013, "invalid corpid: none of the apps of token %q is of this corp", identity.Name())
	}
	text, err := sealAccess(identity.Token, access{secret: secret, corpID: corpID, expires: c.now().Add(accessLife)})
	if err != nil {
		return nil, err
	}
	reply := &tokenReply{AccessToken: text, ExpiresIn: int(accessLife.Seconds())}
	reply.set(0, "ok")
	return reply, nil
}

// credentials reads the query, and the form or JSON of a POST.
func (c *wecomCall) credentials() (url.Values, error) {
	given := c.r.URL.Query()
	if c.r.Method != http.MethodPost {
		return given, nil
	}
	body, err := c.body(intake.MaxStrangerBytes, intake.Stranger)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		var members map[string]any
		_ = json.Unmarshal(body, &members) // invalid JSON has no members
		for name, value := range members {
			if text, ok := value.(string); ok {
				given.Set(name, text)
			}
		}
		return given, nil
	}
	form, _ := url.ParseQuery(string(body)) // keep what can be parsed
	for name := range form {
		given.Set(name, form.Get(name))
	}
	return given, nil
}
