package daemon

import (
	"container/list"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// maxConnections is how many connections may be open at once. Each costs some 20 KB, and
// up to [maxHeaderBytes] while its header arrives.
const maxConnections = 1024

// connections bounds the connections of a server. If there are too many, the one that has waited longest for
// a request, new or idle, is closed; requests in progress continue.
type connections struct {
	most int

	mu      sync.Mutex
	open    int
	waiting *list.List // of net.Conn; those that have waited longest come first
	places  map[net.Conn]*list.Element
}

func newConnections(most int) *connections {
	return &connections{most: most, waiting: list.New(), places: map[net.Conn]*list.Element{}}
}

// track implements [http.Server.ConnState].
func (c *connections) track(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if place, ok := c.places[conn]; ok {
		c.waiting.Remove(place)
		delete(c.places, conn)
	}
	switch state {
	case http.StateNew:
		c.open++
		c.wait(conn)
	case http.StateIdle:
		c.wait(conn)
	case http.StateClosed, http.StateHijacked:
		c.open--
	case http.StateActive:
	}
}

// wait records that a connection waits for a request.
func (c *connections) wait(conn net.Conn) {
	c.places[conn] = c.waiting.PushBack(conn)
	if c.open <= c.most {
		return
	}
	longest, _ := c.waiting.Remove(c.waiting.Front()).(net.Conn)
	delete(c.places, longest)
	if secured, ok := longest.(*tls.Conn); ok {
		longest = secured.NetConn() // to take leave by TLS may take seconds
	}
	_ = longest.Close() // the server will say that it is closed
}
