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
  id: string;
  status: 'open' | 'used_up' | 'expired';
  labels: Record<string, string>;
  uses: number;
  max_uses: number;
  address_range: string | null;
  created_at: string;
  expires_at: string;
  refusal: { address: string; reason: string } | null;
  hosts: { id: string; name: string; status: string }[];
}
