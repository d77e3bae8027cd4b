// Join tokens as the API documents them.
export interface MadeJoinToken {
  id: string;
  expires_at: string;
  url: string;
  tls_pin: string | null;
  command: string;
  cloud_init: string;
  ansible: string;
}

export interface JoinTokenState {
  status: 'open' | 'used_up' | 'expired';
  max_uses: number;
  refusal: { address: string; reason: string } | null;
  hosts: { id: string; name: string; status: string }[];
}
