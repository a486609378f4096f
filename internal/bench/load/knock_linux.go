package load

import (
	"fmt"
	"net"
	"time"
)

// Knock connects once and says goodbye; its error says why the broker did not accept it.
func Knock(address string) error {
	nc, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return err
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := nc.Write(appendConnect(nil, Login{Client: "knock"})); err != nil {
		return err
	}
	var answer [4]byte
	if _, err := nc.Read(answer[:]); err != nil {
		return err
	}
	if answer[0] != connackPacket<<4 || answer[3] != 0 {
		return fmt.Errorf("refused by CONNACK % x", answer)
	}
	_, err = nc.Write([]byte{disconnectPacket << 4, 0})
	return err
}
