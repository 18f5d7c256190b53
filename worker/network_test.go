package worker_test

import (
	"strings"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/freeport"
)

// network is a TCP connection to a server that can be made bad.
type network struct {
	*testing.T
	proxy *toxiproxy.Proxy
}

// newNetwork leads to the server at addr.
func newNetwork(t *testing.T, addr string) *network {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	n := &network{t, toxiproxy.NewProxy(server, t.Name(), freeport.Address(t), addr)}
	n.start()
	t.Cleanup(n.cut)
	return n
}

func (n *network) addr() string { return n.proxy.Listen }

func (n *network) start() {
	n.Helper()
	if err := n.proxy.Start(); err != nil {
		n.Fatal(err)
	}
}

// cut closes all connections, and lets nobody in until lead.
func (n *network) cut() { n.proxy.Stop() }

// lead goes to another server from now on.
func (n *network) lead(addr string) {
	n.Helper()
	n.proxy.Upstream = addr
	n.start()
}

// spoil adds a fault, as toxiproxy calls it: latency, limit_data, timeout, reset_peer.
// What comes from the server suffers it.
func (n *network) spoil(kind, attributes string) {
	n.Helper()
	n.spoilStream("downstream", kind, attributes)
}

// spoilBoth is spoil for what goes to the server, too.
func (n *network) spoilBoth(kind, attributes string) {
	n.Helper()
	n.spoilStream("upstream", kind, attributes)
	n.spoilStream("downstream", kind, attributes)
}

func (n *network) spoilStream(stream, kind, attributes string) {
	n.Helper()
	toxic := `{"name":"` + kind + "_" + stream + `","type":"` + kind + `","stream":"` + stream + `","toxicity":1,"attributes":` + attributes + `}`
	if _, err := n.proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
		n.Fatal(err)
	}
}

// restore removes the faults, and closes the connections that have suffered them.
func (n *network) restore() {
	n.Helper()
	n.proxy.Toxics.ResetToxics(n.Context())
	n.cut()
	n.start()
}
